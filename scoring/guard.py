"""Watches a challenger that decides, and says when it must not any more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from scoring.challenge import Bounds
from scoring.decision import Decisions
from scoring.stability import population_stability_index

LATENCY_PERCENTILE = 95
JUDGED_EVERY = 20
"""Decisions of the challenger; each judgement sorts two windows."""


@dataclass(slots=True)
class _Side:
    window: int
    pd: deque[float] = field(default_factory=deque)
    declined: deque[bool] = field(default_factory=deque)
    seconds: deque[float] = field(default_factory=deque)

    def add(self, pds: list[float], declined: list[bool], seconds: float) -> None:
        self.pd.extend(pds)
        self.declined.extend(declined)
        self.seconds.append(seconds)
        for values in (self.pd, self.declined, self.seconds):
            while len(values) > self.window:
                values.popleft()


@dataclass(frozen=True, slots=True)
class Breach:
    """A bound that is broken."""

    measure: str
    value: float
    bound: float

    def __str__(self) -> str:
        return f"{self.measure} is {self.value:.4g}, at most {self.bound:g} is permitted"


class Guard:
    """Compares the last decisions of champion and challenger.

    Which applicants each decides is chance, so their applications are alike, and so should be their decisions.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._champion = _Side(bounds.window)
        self._challenger = _Side(bounds.window)
        self._failures: deque[bool] = deque(maxlen=bounds.window)
        self._seen = 0

    def champion_decided(self, decisions: Decisions, rows: range, seconds: float) -> None:
        """Takes in a request that the champion has decided in so many seconds."""
        self._champion.add(*_values(decisions, rows), seconds)

    def challenger_decided(self, decisions: Decisions, rows: range, seconds: float) -> Breach | None:
        """Takes in a request that the challenger has decided, and judges it from time to time."""
        self._challenger.add(*_values(decisions, rows), seconds)
        self._failures.append(False)
        self._seen += 1
        return self.judge() if self._seen % JUDGED_EVERY == 0 else None

    def challenger_failed(self) -> Breach | None:
        """Takes in a request that the challenger has not decided."""
        self._failures.append(True)
        return self.judge()

    def measures(self) -> dict[str, float]:
        """What is judged, by name; what there is too little of is left out."""
        found: dict[str, float] = {}
        least = self._bounds.least
        if len(self._failures) >= min(least, JUDGED_EVERY):
            found["error_share"] = sum(self._failures) / len(self._failures)
        champion, challenger = self._champion, self._challenger
        if len(champion.seconds) >= least and len(challenger.seconds) >= least:
            slow = [float(np.percentile(side.seconds, LATENCY_PERCENTILE)) for side in (challenger, champion)]
            found["latency_ratio"] = slow[0] / slow[1]
        if len(champion.pd) >= least and len(challenger.pd) >= least:
            pds = [np.array(side.pd) for side in (champion, challenger)]
            # What chance alone gives two samples of one distribution, bins - 1 times 1/n + 1/m, does not count.
            chance = 9 * (1 / len(pds[0]) + 1 / len(pds[1]))
            found["score_psi"] = max(0.0, population_stability_index(pds[0], pds[1]) - chance)
            found["approval_shift"] = abs(float(np.mean(challenger.declined)) - float(np.mean(champion.declined)))
        return found

    def judge(self) -> Breach | None:
        """The first bound that is broken."""
        for measure, value in self.measures().items():
            bound = getattr(self._bounds, measure)
            if value > bound:
                return Breach(measure, value, bound)
        return None


def _values(decisions: Decisions, rows: range) -> tuple[list[float], list[bool]]:
    chosen = slice(rows.start, rows.stop)
    return decisions.pd[chosen].tolist(), decisions.declined[chosen].tolist()
