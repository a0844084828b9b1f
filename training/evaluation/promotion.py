"""Gates of a promotion: a candidate's figures next to the champion's, on the candidate's test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.evaluation.checks import Check, at_least, at_most
from training.evaluation.verification import Figures, PromotionLimits
from training.sources import SAMPLE

HOLDS = "holds"
"""The registry's tag `verification` of a version whose every check held."""


@dataclass(frozen=True)
class Provenance:
    """The data that a registered version was made from."""

    sample: bool
    """Whether the project made the data up itself."""
    data_sha256: str
    """sha256 of the snapshot."""
    test_rows_sha256: str

    @property
    def label(self) -> str:
        """The words for it."""
        return SAMPLE if self.sample else "real data"


def promotion_gates(
    verification: str,
    variant_gates: Mapping[str, Check],
    new: Figures,
    candidate: Provenance,
    old: Figures | None,
    champion: Provenance | None,
    limits: PromotionLimits,
) -> dict[str, Check]:
    """Check a candidate alone and, where there is a champion, against it.

    Args:
        verification: the candidate's tag, `HOLDS` or the checks that failed.
        variant_gates: flipped decisions and times of the candidate's variant that serves.
        new: the candidate's figures.
        candidate: the candidate's data.
        old: the champion's figures on the same rows; None without a champion.
        champion: the champion's data; None without a champion.
        limits: of all gates.
    """
    gates = {
        "verification": at_most(f"checks of scorebox verify: {verification}", float(verification != HOLDS), 0),
        **variant_gates,
    }
    if old is None or champion is None:
        return gates
    gates["data"] = at_most(
        f"a champion of {champion.label}, a candidate of {candidate.label}; sample data never win",
        float(candidate.sample and not champion.sample),
        0,
    )
    if not _is_no_standard(candidate, champion):
        gates |= _relative_gates(new, old, limits)
    return gates


def describe_comparison(candidate: Provenance, champion: Provenance | None) -> str:
    """Return how fair the comparison is: whether the champion was trained on some of the candidate's test rows."""
    if champion is None:
        return "no champion to compare with"
    if _is_no_standard(candidate, champion):
        return "the champion is of SAMPLE DATA, no standard for a model of real data: only the absolute gates count"
    if champion.test_rows_sha256 == candidate.test_rows_sha256:
        return "none of these rows were in the champion's training data: both have the same split"
    if champion.data_sha256 == candidate.data_sha256:
        return "some of these rows were in the champion's training data, which flatters it: same data, another split"
    return (
        f"the champion was trained on other data ({champion.data_sha256[:12]}), "
        "which may hold some of these rows and would flatter it"
    )


def _is_no_standard(candidate: Provenance, champion: Provenance) -> bool:
    return champion.sample and not candidate.sample


def _relative_gates(new: Figures, old: Figures, limits: PromotionLimits) -> dict[str, Check]:
    """Check the candidate's figures against the champion's, on the same rows."""
    return {
        "auc": at_least(
            f"AUC, at the lowest {limits.auc_tolerance:.1%} below the champion's",
            new.auc,
            old.auc * (1 - limits.auc_tolerance),
        ),
        "brier": at_most("Brier score", new.brier, old.brier + limits.brier_tolerance),
        "expected_calibration_error": at_most(
            "expected calibration error",
            new.expected_calibration_error,
            old.expected_calibration_error + limits.calibration_error_tolerance,
        ),
        **{
            f"approval_gap_{column}": at_most(
                f"approval-rate gap by {column}", gap, old.approval_gaps[column] + limits.approval_gap_tolerance
            )
            for column, gap in new.approval_gaps.items()
        },
    }
