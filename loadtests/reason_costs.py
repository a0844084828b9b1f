"""The costs of one decision's reasons, by scorecard: CPU time of the explain graph and of picking from its output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from loadtests.machine import pinned
from loadtests.options import draw
from loadtests.served import find
from scoring import scorecards
from scoring.decision_rules import declined
from scoring.frames import thin_frame
from scoring.graph import Inputs
from scoring.models import StoredModel, load
from scoring.policy import CutoffPolicy
from scoring.principal import ReasonChooser

NETWORK_US = 150.0
"""The most for one application of the card_default network."""
TREES_US = 2_000.0
"""The most for one application of any other model."""
ROWS = 64
ROUNDS = 9
TOGETHER = 5
"""Times that a round explains `ROWS` rows, alone and together."""


class ReasonCost(BaseModel):
    """CPU microseconds of one explanation, alone and as one of 64 rows, each the median of rounds."""

    scorecard: str
    family: str
    groups: int
    alone_us: float
    among_us: float
    declines: bool
    """Whether the explained rows are declines, as they are in service; else any that were drawn."""

    @property
    def limit_us(self) -> float:
        """The most that one alone may take."""
        return NETWORK_US if self.family == "network" else TREES_US


def reason_costs(releases: Path, cores: frozenset[int] | None) -> list[ReasonCost]:
    """Measure the costs for each scorecard that has a release in the folder, on these cores.

    Raises:
        ModelStoreError: see `find`.
        GraphIntegrityError: see `find`.
        PolicyError: a policy's file is not what it should be.
        TrafficError: the applications cannot be drawn.
    """
    released = [releases / f"{name}.json" for name in scorecards.names()]
    with pinned(cores):
        return [_cost(release) for release in released if release.exists()]


def _cost(release: Path) -> ReasonCost:
    served = find(release)
    model = load(served.tag)
    scorecard = scorecards.load(served.record.scorecard)
    policy = CutoffPolicy.in_force(scorecard, release.with_suffix(".policy.json"))
    # Nobody's history is at hand, and the same nodes run for everybody.
    frame = thin_frame(scorecard, model.graph.columns)
    drawn = [scorecard.application.model_validate(dict(one)) for one in draw(scorecard, None)]
    inputs = frame.inputs(drawn)
    declines = declined(model.graph.score(inputs), policy.cutoff)
    chosen = (inputs[declines] if declines.any() else inputs).resized(ROWS)
    alone, among = _measure(model, chosen, policy.cutoff)
    return ReasonCost(
        scorecard=scorecard.name,
        family=served.record.family,
        groups=len(model.explainer.groups),
        alone_us=median(alone),
        among_us=median(among),
        declines=bool(declines.any()),
    )


def _measure(model: StoredModel, inputs: Inputs, cutoff: float) -> tuple[Sequence[float], Sequence[float]]:
    reference = model.explainer.reference_for(cutoff)
    chooser = ReasonChooser(model.graph, model.explainer, reference, cutoff)

    def reasons(rows: Inputs, pd: NDArray[np.float32]) -> None:
        chooser.choose(rows, model.explainer.explain(rows, reference), pd)

    pd = model.graph.score(inputs)
    singles = [(inputs[row : row + 1], pd[row : row + 1]) for row in range(ROWS)]
    alone, among = [], []
    for number in range(ROUNDS + 1):
        began = process_time()
        for _ in range(TOGETHER):
            for single in singles:
                reasons(*single)
        between = process_time()
        for _ in range(TOGETHER):
            reasons(inputs, pd)
        # The first round is for memory to be taken.
        if number:
            alone.append(1e6 * (between - began) / (TOGETHER * ROWS))
            among.append(1e6 * (process_time() - between) / (TOGETHER * ROWS))
    return alone, among
