"""Build the queries, panels and frames that all dashboards share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, heatmap, logs, loki, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, QueryVariable, Row, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.dashboard import Panel as BuiltPanel
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

AnyPanel: TypeAlias = Builder[BuiltPanel]
Query: TypeAlias = tuple[str, str]
"""A PromQL expression, and the legend of its series, in which {{label}} stands for a label's value."""

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
LOKI = DataSourceRef(type_val="loki", uid="loki")
"""Uids of `provisioning/datasources`."""

HERE = 'namespace=~"$namespace", service=~"$service"'
"""Selects the servers whose own metrics are shown."""
OF_SCORECARD = 'scorecard=~"$scorecard"'
"""Selects the scorecards whose gauges are shown: the watching commands that publish them know no service."""

SECONDS, SHARE, PER_SECOND, NUMBER = "s", "percentunit", "ops", "short"
"""Grafana's names of units."""


@dataclass(frozen=True)
class Section:
    """A row with a title, and the panels in it."""

    title: str
    panels: Sequence[AnyPanel] = field(default_factory=tuple)


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str = NUMBER,
    width: int = 8,
    limit: float | None = None,
    stacked: bool = False,
) -> AnyPanel:
    """Return a panel of series over time.

    Args:
        title: of the panel.
        description: shown behind the panel's i.
        queries: expression and legend of each.
        unit: Grafana's name of it.
        width: of the 24 columns.
        limit: drawn as a red line.
        stacked: whether the series add up to a whole.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .span(width)
        .height(8)
        .draw_style(GraphDrawStyle.LINE)
        .fill_opacity(60 if stacked else 8)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if limit is not None:
        panel = panel.thresholds(_limit(limit)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE)
        )
    for place, (expression, legend) in enumerate(queries):
        panel = panel.with_target(_target(expression, legend, place))
    return panel


def number(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = NUMBER,
    width: int = 4,
    limit: float | None = None,
) -> AnyPanel:
    """Return a panel of the newest values, large; red from `limit` on."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .span(width)
        .height(4)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(_newest())
        .with_target(_target(*query).instant())
    )
    return panel if limit is None else panel.thresholds(_limit(limit))


def bars(title: str, description: str, query: Query, *, unit: str = NUMBER, width: int = 12) -> AnyPanel:
    """Return a panel of one bar for each series, over the whole time that is chosen."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .span(width)
        .height(10)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(_newest())
        .with_target(_target(*query).instant())
    )


def distribution(title: str, description: str, query: Query, *, width: int = 12) -> AnyPanel:
    """Return a panel of the counts in each bin, over time; the legend is the bin."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .calculate(False)
        .span(width)
        .height(10)
        .with_target(_target(*query))
    )


def rows(title: str, description: str, expression: str, *, width: int = 24) -> AnyPanel:
    """Return a panel of every series' labels and value, a row for each."""
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .span(width)
        .height(8)
        .with_target(_target(expression, "").instant().format(PromQueryFormat.TABLE))
    )


def log_lines(title: str, description: str, expression: str) -> AnyPanel:
    """Return a panel of Loki's log lines."""
    return (
        logs.Panel()
        .title(title)
        .description(description)
        .datasource(LOKI)
        .span(24)
        .height(8)
        .show_time(True)
        .wrap_log_message(True)
        .with_target(loki.Dataquery().datasource(LOKI).expr(expression).ref_id("A"))
    )


def in_frame(title: str, uid: str, description: str, choices: Sequence[str], sections: Sequence[Section]) -> Dashboard:
    """Return a whole dashboard.

    Args:
        title: of the dashboard.
        uid: its lasting address, and the name of its file.
        description: the questions that it answers.
        choices: labels of `scorebox_model_info` that are chosen from at its top.
        sections: from top to bottom.
    """
    frame = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["scorebox"])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            DashboardLink("Scorebox")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["scorebox"])
            .include_vars(True)
            .keep_time(True)
        )
    )
    for name in choices:
        frame = frame.with_variable(
            QueryVariable(name)
            .label(name)
            .datasource(PROMETHEUS)
            .query(f"label_values(scorebox_model_info, {name})")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            # Matches series without such a label too: a server in compose has no namespace.
            .all_value(".*")
            .current(VariableOption(selected=True, text="All", value="$__all"))
        )
    for section in sections:
        frame = frame.with_row(Row(section.title))
        for panel in section.panels:
            frame = frame.with_panel(panel)
    return frame


def _target(expression: str, legend: str, place: int = 0) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(PROMETHEUS).expr(expression).ref_id(ascii_uppercase[place])
    return target.legend_format(legend) if legend else target


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _limit(value: float) -> ThresholdsConfig:
    steps = [Threshold(value=None, color="green"), Threshold(value=value, color="red")]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
