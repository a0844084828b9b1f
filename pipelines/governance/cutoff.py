"""The cut-off of the highest expected profit, or one set by hand, next to the one in force; and the policy's file."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel

from pipelines.governance.candidate_gates import held_out
from pipelines.governance.registry import CHAMPION, Registry
from pipelines.governance.versions import Registered
from pipelines.params import Params
from pipelines.workspace import Workspace
from scoring import models
from scoring.files import remove_file, write_atomically
from scoring.models import ModelRecord
from scoring.moment import now_to_the_second
from scoring.policy import Assumptions, CutoffPolicy, SearchBasis, StatedBasis
from scoring.scorecard import Scorecard
from training.cutoff import Curve, Numbers, compare_cutoffs, find, measure, possible_cutoffs
from training.errors import StageError
from training.evaluation.intervals import Estimate
from training.evaluation.metrics import PDs
from training.evaluation.plots import draw_cutoffs
from training.families.family import Labels
from training.graph.inputs import graph_inputs

CURVE_POINTS = 200
"""Cut-offs on the curve, evenly from all that make a difference; and those that are compared."""


class Effect(BaseModel):
    """The effect of a cut-off on the test rows; profits are per application, approved or not, in units of exposure."""

    cutoff: float
    approval_rate: float
    expected_bad_rate: float | None
    """Mean PD of those approved; None where nobody is."""
    observed_bad_rate: float | None
    expected_profit: float
    observed_profit: Estimate


class Compared(BaseModel):
    """A policy and what it does."""

    policy_id: str
    policy: CutoffPolicy
    effect: Effect


class CutoffReport(BaseModel):
    """The proposed policy next to the one in force: `reports/cutoff.json`."""

    scorecard: str
    model: str
    graph_sha256: str
    sample_data: bool
    rows: int
    rows_sha256: str
    assumptions: Assumptions
    break_even: float
    """The PD at which an approval is expected to earn nothing."""
    present: Compared
    proposed: Compared
    gain: Estimate
    """Observed profit per application of the proposed cut-off less that of the present one."""
    curve: list[Effect]

    @property
    def is_as_expected(self) -> bool:
        """Whether the profit that the PDs promise at the proposed cut-off is within what the labels show."""
        observed = self.proposed.effect.observed_profit
        return observed["low"] <= self.proposed.effect.expected_profit <= observed["high"]

    @property
    def foreign_model(self) -> str | None:
        """The model that the policy in force was found with, if it is not the champion."""
        basis = self.present.policy.basis
        return basis.model if isinstance(basis, SearchBasis) and basis.graph_sha256 != self.graph_sha256 else None


@dataclass(frozen=True, eq=False)
class _Scored:
    """The champion's test rows, which no part of its training saw."""

    record: ModelRecord
    labels: Labels
    pd: PDs
    rows_sha256: str


def cutoff(
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    assumptions: Assumptions,
    stated: CutoffPolicy | None = None,
) -> CutoffReport:
    """Write `cutoff.json` and `cutoff.png` of the cut-off found, or of the stated policy; changes no policy.

    Raises:
        StageError: there is no champion, its test rows are not at hand, or nobody is worth approving.
        PolicyError: the policy in force cannot be read.
        DataError: no cut-off approves as many as the assumptions want.
    """
    present = CutoffPolicy.in_force(scorecard, workspace.policy)
    scored = _score(scorecard, workspace, _champion(scorecard))
    chosen = stated.cutoff if stated else find(scored.pd, assumptions)
    resampling = {
        "resamples": params.profile(workspace.profile).bootstrap_resamples,
        "seed": params.scorecard(scorecard.name).seed,
    }
    cutoffs = np.unique([*_thinned(scored.pd), present.cutoff, chosen])
    curve = measure(scored.labels, scored.pd, cutoffs, assumptions, **resampling)
    effects = {effect.cutoff: effect for effect in _effects(curve)}
    proposed = stated or CutoffPolicy(
        scorecard=scorecard.name,
        cutoff=chosen,
        basis=_basis(scored, assumptions, effects[chosen]),
        made_at=now_to_the_second(),
    )
    report = CutoffReport(
        scorecard=scorecard.name,
        model=scored.record.tag,
        graph_sha256=scored.record.graph_sha256,
        sample_data=scored.record.data.sample,
        rows=len(scored.pd),
        rows_sha256=scored.rows_sha256,
        assumptions=assumptions,
        break_even=assumptions.break_even,
        present=Compared(policy_id=present.id, policy=present, effect=effects[present.cutoff]),
        proposed=Compared(policy_id=proposed.id, policy=proposed, effect=effects[chosen]),
        gain=compare_cutoffs(scored.labels, scored.pd, present.cutoff, chosen, assumptions, **resampling),
        curve=list(effects.values()),
    )
    title = f"{scorecard.name}{' (SAMPLE DATA)' if report.sample_data else ''}"
    draw_cutoffs(workspace.cutoff_plot, title, curve, {"present": present.cutoff, "proposed": chosen})
    write_atomically(workspace.cutoff, report.model_dump_json(indent=2) + "\n")
    return report


def by_hand(scorecard: Scorecard, value: float, reason: str) -> CutoffPolicy:
    """Return a policy of a cut-off that somebody chose.

    Raises:
        ValidationError: the cut-off does not lie between 0 and 1, or the reason says nothing or is too long.
    """
    basis = StatedBasis(kind="hand", reason=reason)
    return CutoffPolicy(scorecard=scorecard.name, cutoff=value, basis=basis, made_at=now_to_the_second())


def reset(workspace: Workspace) -> bool:
    """Delete the policy's file, whatever is in it; return False if there was none."""
    return remove_file(workspace.policy)


def _champion(scorecard: Scorecard) -> Registered:
    registry = Registry(scorecard)
    champion = registry.at(CHAMPION)
    if champion is None:
        raise StageError(f"{scorecard.name} has no champion; run: scorebox promote {scorecard.name}")
    registry.restore(champion)
    return champion


def _score(scorecard: Scorecard, workspace: Workspace, champion: Registered) -> _Scored:
    rows, digest = held_out(workspace, champion)
    stored = models.load(champion.release.tags[champion.release.serving])
    scores = stored.graph.score(graph_inputs(rows, stored.graph.columns, stored.graph.text_columns))
    return _Scored(stored.record, rows[scorecard.target].to_numpy(), scores, digest)


def _thinned(scores: PDs) -> Numbers:
    possible = possible_cutoffs(scores)
    steps = min(len(possible), CURVE_POINTS)
    thinned: Numbers = possible[np.linspace(0, len(possible) - 1, steps).astype(int)]
    return thinned


def _effects(curve: Curve) -> list[Effect]:
    table = pd.DataFrame(vars(curve))
    return [
        Effect(
            cutoff=row["cutoffs"],
            approval_rate=row["approval_rate"],
            expected_bad_rate=_known(row["expected_bad_rate"]),
            observed_bad_rate=_known(row["observed_bad_rate"]),
            expected_profit=row["expected_profit"],
            observed_profit={"value": row["observed_profit"], "low": row["low"], "high": row["high"]},
        )
        for row in table.to_dict("records")
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _basis(scored: _Scored, assumptions: Assumptions, effect: Effect) -> SearchBasis:
    if effect.expected_bad_rate is None:
        raise StageError(
            f"an approval breaks even at a PD of {assumptions.break_even:.4g}, and the lowest of {len(scored.pd):,} "
            f"test rows is {scored.pd.min():.4g}: nobody is worth approving; check --margin and --loss-given-default"
        )
    return SearchBasis(
        assumptions=assumptions,
        model=scored.record.tag,
        graph_sha256=scored.record.graph_sha256,
        data_sha256=scored.record.data.sha256,
        rows_sha256=scored.rows_sha256,
        rows=len(scored.pd),
        expected_profit=effect.expected_profit,
        approval_rate=effect.approval_rate,
        expected_bad_rate=effect.expected_bad_rate,
    )
