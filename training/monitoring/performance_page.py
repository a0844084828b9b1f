"""How decisions turned out, as one HTML file with its plots inside: the verdict first."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.card import environment
from training.evaluation.intervals import CONFIDENCE
from training.evaluation.plots import BAD, GOOD, GUIDE
from training.monitoring.performance import ALL_BANDS, Cohort, Figures, Judgement

LEGEND = {"loc": "upper left", "frameon": False, "fontsize": 8}
"""Its place is fixed: matplotlib's search for the best one takes seconds, and it warns of them."""


def page(context: Mapping[str, Any], overall: Figures, models: Sequence[Judgement], cohorts: Sequence[Cohort]) -> str:
    """Return the page as HTML.

    Args:
        context: what the template needs next to figures and plots.
        overall: figures of all decisions.
        models: verdicts by version.
        cohorts: figures by month.
    """
    drawings: dict[str, Callable[[Axes], None]] = {}
    if overall.matured:
        drawings["bands"] = lambda axes: _bands(axes, overall)
        drawings["months"] = lambda axes: _months(axes, cohorts)
    if overall.metrics:
        drawings["auc"] = lambda axes: _auc(axes, cohorts, overall.promised["auc"])
    template = environment("training.monitoring", autoescape=True).get_template("performance.html.j2")
    return template.render(
        context,
        overall=overall,
        models=models,
        cohorts=cohorts,
        plots={name: drawn(draw) for name, draw in drawings.items()},
        all_bands=ALL_BANDS,
        confidence=CONFIDENCE,
    )


def drawn(draw: Callable[[Axes], None]) -> str:
    """Return a plot as the address of an image that holds it."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    content = io.BytesIO()
    # The same figures give the same file.
    with rc_context({"svg.hashsalt": "scorebox"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"


def _bands(axes: Axes, overall: Figures) -> None:
    bands = [band for band in overall.calibration if band.band != ALL_BANDS]
    places = np.arange(len(bands))
    observed = np.array([band.observed for band in bands])
    error = np.abs(np.array([[band.low, band.high] for band in bands]).T - observed)
    axes.bar(places, [band.expected for band in bands], color=GUIDE, alpha=0.5, width=0.6, label="expected: mean PD")
    axes.errorbar(places, observed, yerr=error, color=BAD, marker="o", capsize=3, linestyle="", label="observed")
    axes.set(xlabel="risk band", ylabel="share of defaults", xticks=places, xticklabels=[band.band for band in bands])
    axes.set_ylim(bottom=0)
    axes.legend(**LEGEND)


def _months(axes: Axes, cohorts: Sequence[Cohort]) -> None:
    months = [(cohort.month, cohort.figures.calibration[0]) for cohort in cohorts if cohort.figures.matured]
    days = [_day(month) for month, _ in months]
    observed = np.array([band.observed for _, band in months])
    error = np.abs(np.array([[band.low, band.high] for _, band in months]).T - observed)
    axes.plot(days, [band.expected for _, band in months], color=GUIDE, marker="s", label="expected: mean PD")
    axes.errorbar(days, observed, yerr=error, color=BAD, marker="o", capsize=3, label="observed")
    axes.set(xlabel="month of decision", ylabel="share of defaults")
    axes.set_ylim(bottom=0)
    _label_months(axes, [month for month, _ in months])
    axes.legend(**LEGEND)


def _auc(axes: Axes, cohorts: Sequence[Cohort], whole: float) -> None:
    months = [(cohort.month, cohort.figures) for cohort in cohorts if cohort.figures.metrics]
    days = [_day(month) for month, _ in months]
    auc = [figures.metrics["auc"] for _, figures in months]
    values = np.array([item["value"] for item in auc])
    error = np.abs(np.array([[item["low"], item["high"]] for item in auc]).reshape(-1, 2).T - values)
    promised = [figures.promised["auc"] for _, figures in months]
    axes.axhline(whole, color=GUIDE, linestyle=":", label="what all PDs promise")
    axes.plot(days, promised, color=GUIDE, marker="s", label="what the month's PDs promise")
    axes.errorbar(days, values, yerr=error, color=GOOD, marker="o", capsize=3, label="realised")
    axes.set(xlabel="month of decision", ylabel="AUC")
    _label_months(axes, [month for month, _ in months])
    axes.legend(**LEGEND)


def _day(month: str) -> float:
    return float(date.fromisoformat(f"{month}-01").toordinal())


def _label_months(axes: Axes, months: Sequence[str]) -> None:
    shown = months[:: -(-len(months) // 12) or 1]
    axes.set_xticks([_day(month) for month in shown], labels=list(shown), rotation=30)
