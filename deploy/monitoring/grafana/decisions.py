"""The dashboard of the owner of the credit policy: decisions, and the challenger next to the champion."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.monitoring.grafana.panels import (
    HERE,
    PER_SECOND,
    SHARE,
    Section,
    bars,
    distribution,
    in_frame,
    lines,
    number,
)

_HERE = f'{HERE}, scorecard=~"$scorecard"'
_RATE, _RANGE = "[$__rate_interval]", "[$__range]"


def dashboard() -> Dashboard:
    """Return the dashboard of approval rate, PDs, bands, reasons, and the challenger next to the champion."""
    return in_frame(
        "Scorebox: decisions",
        "scorebox-decisions",
        "What the servers decide and why, and the challenger beside the champion.",
        ["namespace", "service", "scorecard"],
        [_current_state(), _scores(), _reasons(), _challenger()],
    )


def _approved(role: str, window: str) -> str:
    chosen = f'{_HERE}, role="{role}"'
    return (
        f'sum(increase(scorebox_predictions_total{{{chosen}, decision="approve"}}{window}))'
        f" / sum(increase(scorebox_predictions_total{{{chosen}}}{window}))"
    )


def _current_state() -> Section:
    return Section(
        "Decisions",
        [
            number(
                "Decided",
                "Decisions in the time that is chosen.",
                (f"sum(increase(scorebox_predictions_total{{{_HERE}}}{_RANGE}))", ""),
                width=6,
            ),
            number(
                "Approved", "Of the champion's decisions.", (_approved("champion", _RANGE), ""), unit=SHARE, width=6
            ),
            number(
                "Cut-off",
                "Applications with this PD or more are declined, by the policy in force.",
                (f"max by (scorecard, policy) (scorebox_cutoff{{{_HERE}}} > 0)", "{{policy}}"),
                width=12,
            ),
            lines(
                "Decisions",
                "Per second, by what was decided.",
                (f"sum by (decision) (rate(scorebox_predictions_total{{{_HERE}}}{_RATE}))", "{{decision}}"),
                unit=PER_SECOND,
                width=12,
                stacked=True,
            ),
            lines(
                "Approval rate",
                "Of an hour, by who decided.",
                (f"service_role:scorebox_approvals_per_decision:ratio_rate1h{{{HERE}}}", "{{service}} {{role}}"),
                unit=SHARE,
                width=12,
            ),
        ],
    )


def _scores() -> Section:
    binned = f'scorebox_decisions_by_pd_total{{{_HERE}, role="champion"}}'
    return Section(
        "Scores",
        [
            distribution(
                "PDs over time",
                "Decisions of the champion by PD: each bin is named by the PD that its decisions are below.",
                (f"sum by (below) (increase({binned}{_RATE}))", "{{below}}"),
            ),
            bars(
                "PDs of the whole time",
                "The same, as shares of all.",
                (
                    f"sum by (below) (increase({binned}{_RANGE})) / ignoring (below) group_left () "
                    f"sum(increase({binned}{_RANGE}))",
                    "below {{below}}",
                ),
                unit=SHARE,
            ),
            lines(
                "Risk bands",
                "Decisions per second by band, whoever decided.",
                (f"sum by (band) (rate(scorebox_decisions_by_band_total{{{_HERE}}}{_RATE}))", "{{band}}"),
                unit=PER_SECOND,
                width=12,
                stacked=True,
            ),
            lines(
                "Unknown applicants",
                "Share of the decisions without a history; only scorecards that have one.",
                (
                    f"sum(rate(scorebox_thin_files_total{{{_HERE}}}{_RATE})) "
                    f"/ sum(rate(scorebox_predictions_total{{{_HERE}}}{_RATE}))",
                    "thin files",
                ),
                unit=SHARE,
                width=12,
            ),
        ],
    )


def _reasons() -> Section:
    stated = f"scorebox_reasons_total{{{_HERE}}}"
    return Section(
        "Reasons",
        [
            bars(
                "Principal reasons",
                "How often each was stated with a decline, in the time that is chosen.",
                (f"sort_desc(sum by (code) (increase({stated}{_RANGE})))", "{{code}}"),
            ),
            lines(
                "Principal reasons over time",
                "Per decline: a reason that grows says how applicants change.",
                (
                    f"sum by (code) (rate({stated}{_RATE})) / ignoring (code) group_left () "
                    f'sum(rate(scorebox_predictions_total{{{_HERE}, decision="decline"}}{_RATE}))',
                    "{{code}}",
                ),
                unit=SHARE,
                width=12,
            ),
        ],
    )


def _challenger() -> Section:
    binned = f"scorebox_decisions_by_pd_total{{{_HERE}}}"
    return Section(
        "Challenger and champion",
        [
            lines(
                "Share",
                "Of applicants that the challenger decides, and that its challenge asks for; apart after a withdrawal.",
                (f"scorebox_challenger_share{{{HERE}}}", "{{instance}} decides"),
                (f"scorebox_challenger_planned_share{{{HERE}}}", "{{instance}} asked for"),
                unit=SHARE,
            ),
            lines(
                "Guard",
                "What it compares, less what chance explains: docs/how-to/challenger.md.",
                (f"scorebox_guard_measure{{{HERE}}}", "{{instance}} {{measure}}"),
            ),
            lines(
                "Looked on",
                "Applications per second that the model which did not decide scored, dropped or failed.",
                (f"sum by (outcome) (rate(scorebox_challenges_total{{{HERE}}}{_RATE}))", "{{outcome}}"),
                unit=PER_SECOND,
            ),
            bars(
                "PDs by who decided",
                "Each side's decisions by PD, as shares of its own.",
                (
                    f"sum by (role, below) (increase({binned}{_RANGE})) / ignoring (below) group_left () "
                    f"sum by (role) (increase({binned}{_RANGE}))",
                    "{{role}} below {{below}}",
                ),
                unit=SHARE,
            ),
            number(
                "Approved by the challenger",
                "Of its decisions in the time that is chosen.",
                (_approved("challenger", _RANGE), ""),
                unit=SHARE,
                width=6,
            ),
            number(
                "Shares taken back",
                "By the guard, in the time that is chosen.",
                (f"sum by (measure) (increase(scorebox_challenger_withdrawn_total{{{HERE}}}{_RANGE}))", "{{measure}}"),
                width=6,
                limit=1,
            ),
        ],
    )
