"""Watch a challenger that decides, and name the first bound that it breaks.

Which applicants each decides is chance, so their applications are alike, and so should be their decisions. But two
samples of the same differ too, most of all while there are few. So a measure is what is left when the difference that
chance explains has been taken off: a challenger equal to the champion is at 0 but for one check in 16,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.challenger.challenge import Bounds
from scoring.stability import population_stability_index

LEAST = 20
"""Decisions of each before they are compared, and of the challenger between two checks."""
CHECK_AGAIN = 0.05
"""Share of the challenger's decisions in the window that must be new."""
LATENCY_QUANTILE = 0.95
STANDARD_ERRORS = 4.0
"""Taken off shares; a normal variable is farther out either way once in 16,000 times."""
PSI_OF_CHANCE = 34.8
"""Times 1/n + 1/m. A PSI of ten bins between two samples of one distribution is that times a chi-squared variable with
nine degrees of freedom (B. Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University
2018), which is beyond this once in 16,000 times."""

MEASURES = ("error_share", "latency_ratio", "score_psi", "approval_shift")
"""The measures; `Bounds` has a bound for each."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Breach:
    """A bound that is broken."""

    measure: str
    value: float
    bound: float

    def __str__(self) -> str:
        return f"{self.measure} is {self.value:.4g} beyond chance, at most {self.bound:g} is permitted"


class _Recent:
    """The last rows of a table; as a set, since their order does not matter."""

    def __init__(self, rows: int, columns: int) -> None:
        self._rows: Numbers = np.empty((rows, columns))
        self._count = 0

    def add(self, *columns: NDArray[Any] | float) -> None:
        """Add rows; a single number stands in each of them."""
        rows = np.stack(np.broadcast_arrays(*columns), axis=-1).reshape(-1, len(columns))[-len(self._rows) :]
        self._rows[(self._count + np.arange(len(rows))) % len(self._rows)] = rows
        self._count += len(rows)

    def add_one(self, *values: float) -> None:
        """Add one row."""
        self._rows[self._count % len(self._rows)] = values
        self._count += 1

    def of(self, role: float) -> Numbers:
        """Return the rows with this number in the last column, [rows, columns]."""
        rows = self._rows[: self._count]
        chosen: Numbers = rows[rows[:, -1] == role]
        return chosen


CHAMPION, CHALLENGER = 0.0, 1.0


class Guard:
    """Compares the last decisions of champion and challenger; the same window holds both, so they are of one time.

    Latencies are those of requests of one application: a batch is divided unevenly, and takes its time by its size.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._decisions = _Recent(bounds.window, 3)
        """PD, whether it declines, role."""
        self._requests = _Recent(bounds.window, 3)
        """Seconds, NaN for all but one decided application; whether it failed; role."""
        self._until_next_check = LEAST

    def champion_decided(self, pd: NDArray[np.floating], declined: NDArray[np.bool_], seconds: float) -> None:
        """Add a request of [rows] that the champion has decided in so many seconds."""
        self._add(pd, declined, seconds, CHAMPION)

    def challenger_decided(
        self, pd: NDArray[np.floating], declined: NDArray[np.bool_], seconds: float
    ) -> Breach | None:
        """Add a request of [rows] that the challenger has decided, and from time to time return the first breach."""
        self._add(pd, declined, seconds, CHALLENGER)
        self._until_next_check -= len(pd)
        if self._until_next_check > 0:
            return None
        self._until_next_check = max(LEAST, int(CHECK_AGAIN * len(self._decisions.of(CHALLENGER))))
        return self.first_breach()

    def challenger_failed(self) -> Breach | None:
        """Add a request that the challenger has not decided, and return the first breach."""
        self._requests.add_one(np.nan, 1.0, CHALLENGER)
        return self.first_breach()

    def measures(self) -> dict[str, float]:
        """Return the measures by name, less what chance explains, without those of too few decisions."""
        found: dict[str, float] = {}
        requests = [self._requests.of(role) for role in (CHAMPION, CHALLENGER)]
        failed = requests[1][:, 1]
        if len(failed) >= LEAST:
            bound = self._bounds.error_share
            chance = STANDARD_ERRORS * sqrt(bound * (1 - bound) / len(failed))
            found["error_share"] = max(0.0, float(failed.mean()) - chance)
        theirs, its = (seconds[~np.isnan(seconds)] for seconds in (rows[:, 0] for rows in requests))
        if min(len(theirs), len(its)) >= LEAST:
            found["latency_ratio"] = _quantile(its, -STANDARD_ERRORS) / _quantile(theirs, STANDARD_ERRORS)
        champion, challenger = (self._decisions.of(role) for role in (CHAMPION, CHALLENGER))
        if min(len(champion), len(challenger)) >= LEAST:
            parts = 1 / len(champion) + 1 / len(challenger)
            psi = population_stability_index(champion[:, 0], challenger[:, 0])
            found["score_psi"] = max(0.0, psi - PSI_OF_CHANCE * parts)
            declined = float(np.concatenate([champion, challenger])[:, 1].mean())
            shift = abs(float(challenger[:, 1].mean() - champion[:, 1].mean()))
            found["approval_shift"] = max(0.0, shift - STANDARD_ERRORS * sqrt(declined * (1 - declined) * parts))
        return found

    def first_breach(self) -> Breach | None:
        """Return the first bound that is broken; None if all hold."""
        for measure, value in self.measures().items():
            bound = getattr(self._bounds, measure)
            if value > bound:
                return Breach(measure, value, bound)
        return None

    def _add(self, pd: NDArray[np.floating], declined: NDArray[np.bool_], seconds: float, role: float) -> None:
        if len(pd) == 1:
            # Most requests are of one row, and whoever waits for this one waits for the guard too.
            self._decisions.add_one(pd[0], declined[0], role)
            self._requests.add_one(seconds, 0.0, role)
        else:
            self._decisions.add(pd, declined, role)
            self._requests.add_one(np.nan, 0.0, role)


def _quantile(seconds: Numbers, standard_errors: float) -> float:
    """Return the latency whose rank lies so many standard errors of a share next to the quantile's."""
    error = sqrt(LATENCY_QUANTILE * (1 - LATENCY_QUANTILE) / len(seconds))
    return float(np.quantile(seconds, min(1.0, max(0.0, LATENCY_QUANTILE + standard_errors * error))))
