"""The report of a training in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.evaluation.fairness import Comparison
from training.evaluation.intervals import Estimate
from training.evaluation.metrics import ReliabilityBin
from training.evaluation.reason_figures import ReasonFigures
from training.markdown import table
from training.selection import CandidateResult


def no_better_than_chance(auc: Estimate) -> str:
    """Return the warning about an AUC whose interval does not lie above 0.5; an empty text for any other."""
    if auc["low"] > 0.5:
        return ""
    interval = f"{auc['low']:.4f} to {auc['high']:.4f}"
    return (
        f"**No better than chance:** the interval of the AUC, {interval}, does not lie above 0.5. "
        "These rows do not show that the model tells applicants who default from others.\n"
    )


def markdown(
    title: str,
    candidates: Sequence[CandidateResult],
    winner: str,
    metrics: Mapping[str, Estimate],
    bins: Sequence[ReliabilityBin],
    reasons: ReasonFigures,
    comparisons: Sequence[Comparison],
) -> str:
    """Return the report: candidates and gates, metrics with intervals, reliability, reasons, protected columns."""
    return "\n".join(
        [
            f"# {title}\n",
            "## Candidates, on the same folds\n",
            candidates_table(candidates),
            f"**{winner}** serves: the highest AUC of those that hold every gate.\n",
            "## On the test rows\n",
            *filter(None, [no_better_than_chance(metrics["auc"])]),
            table(
                ["metric", "value", "95 % interval"],
                [
                    [name.replace("_", " "), f"{item['value']:.4f}", f"{item['low']:.4f} to {item['high']:.4f}"]
                    for name, item in metrics.items()
                ],
            ),
            "## Reliability\n",
            table(
                ["rows", "mean PD", "share of defaults"],
                [[str(item["rows"]), f"{item['mean_pd']:.4f}", f"{item['default_share']:.4f}"] for item in bins],
            ),
            "## Reasons\n",
            reasons_table(reasons),
            reasons_sentence(reasons),
            "## Protected columns in and out\n",
            comparison_table(comparisons),
            "## Approval rate by group\n",
            group_table(comparisons),
        ]
    )


def candidates_table(candidates: Sequence[CandidateResult]) -> str:
    """Return a table of one row per candidate, with the gates it fails."""
    return table(
        [
            "candidate",
            "inputs",
            "AUC (deviation)",
            "Brier",
            "calibration",
            "calibration error",
            "reasons, standard µs",
            "gates",
        ],
        [
            [
                item.name,
                str(item.inputs),
                f"{item.auc:.4f} ({item.auc_deviation:.4f})",
                f"{item.brier:.4f}",
                item.calibration,
                f"{item.expected_calibration_error:.4f}",
                f"{item.reasons_microseconds:,.0f}",
                "hold" if item.passes else "fails " + ", ".join(g.gate for g in item.gates if not g.holds),
            ]
            for item in candidates
        ],
    )


def reasons_table(figures: ReasonFigures) -> str:
    """Return a table of one row per reason group, the weightiest first."""
    return table(
        ["reason group", "mean contribution", "stated in"],
        [
            [item.code, f"{item.mean_contribution:.3f}", f"{item.stated_share:.1%} of declines"]
            for item in sorted(figures.groups, key=lambda item: -item.mean_contribution)
        ],
    )


def reasons_sentence(figures: ReasonFigures) -> str:
    """Return one sentence: against whom reasons are measured, and how far the stated ones go."""
    return (
        f"Contributions to the log-odds against the reference applicant at PD {figures.reference_pd:.4f}, on "
        f"{figures.rows:,} rows; reasons are stated for the {figures.declined:,} declines. With the reference's values "
        f"in the groups stated, {figures.reached_share:.1%} of them would be approved, and {figures.lowered_share:.1%} "
        "would have a lower PD.\n"
    )


def comparison_table(comparisons: Sequence[Comparison]) -> str:
    """Return a table of accuracy with and without the protected columns."""
    return table(
        ["candidate", "protected columns", "inputs", "AUC", "Brier", "approval rate"],
        [
            [
                item.candidate,
                "in" if item.protected_fields else "out",
                str(item.inputs),
                f"{item.auc:.4f}",
                f"{item.brier:.4f}",
                f"{item.approval_rate:.1%}",
            ]
            for item in comparisons
        ],
    )


def group_table(comparisons: Sequence[Comparison]) -> str:
    """Return a table of each group's approval rate under each compared model; empty without models."""
    if not comparisons:
        return ""
    head = ["column", "group", "rows", "share of defaults"]
    head += [f"{item.candidate}, {'in' if item.protected_fields else 'out'}" for item in comparisons]
    rows = []
    for position, group in enumerate(comparisons[0].groups):
        rates = [f"{item.groups[position].approval_rate:.1%}" for item in comparisons]
        rows.append([group.column, group.group, str(group.rows), f"{group.default_share:.1%}", *rates])
    return table(head, rows)
