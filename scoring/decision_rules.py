"""Turn PDs into approve or decline, score points and risk bands.

Only `declined` compares a PD with a cut-off; a test holds that nothing else in the tree does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard import PointScale, Scorecard

LOWEST_PD = 1e-6
"""Points are linear in the log-odds, which have no end at PD 0 and 1: PDs are held this far from both."""


@overload
def declined(pd: NDArray[np.floating], cutoff: float) -> NDArray[np.bool_]: ...
@overload
def declined(pd: float | np.floating, cutoff: float) -> bool: ...


def declined(pd: NDArray[np.floating] | float | np.floating, cutoff: float) -> NDArray[np.bool_] | bool:
    """Return whether each PD is declined: whether it is at or above the cut-off.

    Both are compared in double precision: in single precision the cut-off would be rounded first, and a PD just
    below it might count as at it.

    Args:
        pd: probabilities of default from 0 to 1, an array of any shape or a single one.
        cutoff: the lowest PD that is declined.

    Returns:
        An array of the same shape, or a bool for a single PD.
    """
    if isinstance(pd, np.ndarray):
        reached: NDArray[np.bool_] = pd.astype(np.float64, copy=False) >= cutoff
        return reached
    return float(pd) >= cutoff


def score_points(pd: NDArray[np.floating], scale: PointScale) -> NDArray[np.int64]:
    """Return the score points of each PD, rounded to whole points.

    points = base_points + double_odds / ln 2 * (ln((1 - PD) / PD) - ln base_odds), with PD held
    between 1e-6 and 1 - 1e-6. The scaling of N. Siddiqi, Credit Risk Scorecards (Wiley 2006), chapter 6.
    """
    # Not clip, whose wrapper takes longer than both of them on a small batch.
    held = np.minimum(np.maximum(pd.astype(np.float64, copy=False), LOWEST_PD), 1 - LOWEST_PD)
    log_odds = np.log((1 - held) / held)
    points = scale.base_points + scale.double_odds / np.log(2) * (log_odds - np.log(scale.base_odds))
    rounded: NDArray[np.int64] = np.rint(points).astype(np.int64)
    return rounded


@dataclass(slots=True, eq=False)
class DecidedColumns:
    """PDs and all that follows from them, by column; each is [rows]."""

    pd: NDArray[np.float32]
    declined: NDArray[np.bool_]
    points: NDArray[np.int64]
    bands: NDArray[np.int64]
    """The position of each row's band among the scorecard's."""


class DecisionRules:
    """A scorecard's bands and points, and one cut-off.

    Args:
        scorecard: the product.
        cutoff: the lowest PD that is declined.
    """

    def __init__(self, scorecard: Scorecard, cutoff: float) -> None:
        self._points = scorecard.points
        self._cutoff = cutoff
        self._edges = np.array([band.below for band in scorecard.bands])
        self.bands = [band.name for band in scorecard.bands]

    def apply(self, pd: NDArray[np.float32]) -> DecidedColumns:
        """Return what follows from the PDs of [rows]."""
        # In double precision, or the edges would be rounded to float32 before the comparison.
        exact = pd.astype(np.float64)
        return DecidedColumns(
            pd=pd,
            declined=declined(exact, self._cutoff),
            points=score_points(exact, self._points),
            bands=self._edges.searchsorted(exact, side="right"),
        )
