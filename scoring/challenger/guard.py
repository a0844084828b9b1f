"""Watch a challenger that decides, and name the first bound that it breaks.

Which applicants each decides is chance, so their applications are alike, and so should be their decisions. But two
samples of the same differ too, most of all while there are few. So a measure is what is left when the difference that
chance explains has been taken off: a challenger equal to the champion is at 0 but for one check in 16,000.

That holds for samples of many. One application that is sent again and again, by a monitor or a load test, says nothing
of a distribution, however often. So of each model an applicant and an application count once there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.challenger.challenge import Bounds
from scoring.stability import population_stability_index

LEAST = 20
"""Decisions of each before they are compared, and of the challenger between two checks; those that count."""
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
Names: TypeAlias = tuple[int, int]
"""An applicant and an application, by hashes."""


def names(applicant: bytes, application: bytes) -> Names:
    """Return the names of what a decision was about: the same in every process.

    Args:
        applicant: whatever tells one from another.
        application: all that was sent, without what tells applicants from each other.
    """
    return _hash(applicant), _hash(application)


def _hash(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest())


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


class _Varied:
    """The last decisions that differ: of each model one about an applicant, and one about an application."""

    def __init__(self, rows: int) -> None:
        self._decisions = _Recent(rows, 3)
        """PD, whether it declines, role."""
        self._order: deque[tuple[tuple[float, int], tuple[float, int]]] = deque()
        self._seen: set[tuple[float, int]] = set()
        self._rows = rows

    def add(
        self, pd: NDArray[np.floating], declined: NDArray[np.bool_], role: float, about: Sequence[Names]
    ) -> int:  # fmt: skip
        """Add the decisions of [rows] that differ from those that are here, and return how many these are."""
        added = 0
        for row, (applicant, application) in enumerate(about):
            # The sign tells applications from applicants.
            one, other = (role, applicant), (role, ~application)
            if one in self._seen or other in self._seen:
                continue
            if len(self._order) == self._rows:
                self._seen.difference_update(self._order.popleft())
            self._order.append((one, other))
            self._seen.update((one, other))
            self._decisions.add_one(pd[row], declined[row], role)
            added += 1
        return added

    def of(self, role: float) -> Numbers:
        """Return the decisions of a model: PD, whether it declines, role, [rows, 3]."""
        return self._decisions.of(role)


class Guard:
    """Compares the last decisions of champion and challenger; the same window holds both, so they are of one time.

    Latencies are those of requests of one application: a batch is divided unevenly, and takes its time by its size.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._decisions = _Varied(bounds.window)
        self._requests = _Recent(bounds.window, 3)
        """Seconds, NaN for all but one decided application; whether it failed; role."""
        self._until_next_check = LEAST

    def champion_decided(
        self, pd: NDArray[np.floating], declined: NDArray[np.bool_], seconds: float, about: Sequence[Names]
    ) -> None:
        """Add a request of [rows] that the champion has decided in so many seconds, about these."""
        self._add(pd, declined, seconds, about, CHAMPION)

    def challenger_decided(
        self, pd: NDArray[np.floating], declined: NDArray[np.bool_], seconds: float, about: Sequence[Names]
    ) -> Breach | None:
        """Add a request of [rows] that the challenger has decided, and from time to time return the first breach."""
        self._add(pd, declined, seconds, about, CHALLENGER)
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

    def _add(
        self,
        pd: NDArray[np.floating],
        declined: NDArray[np.bool_],
        seconds: float,
        about: Sequence[Names],
        role: float,
    ) -> None:
        self._decisions.add(pd, declined, role, about)
        self._requests.add_one(seconds if len(pd) == 1 else np.nan, 0.0, role)


def _quantile(seconds: Numbers, standard_errors: float) -> float:
    """Return the latency whose rank lies so many standard errors of a share next to the quantile's."""
    error = sqrt(LATENCY_QUANTILE * (1 - LATENCY_QUANTILE) / len(seconds))
    return float(np.quantile(seconds, min(1.0, max(0.0, LATENCY_QUANTILE + standard_errors * error))))
