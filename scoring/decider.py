"""One model under one cut-off policy: values in, decisions out."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.decision import Basis, Decisions, Judge
from scoring.graph import Inputs
from scoring.journal.record import DecisionRecord
from scoring.models import StoredModel
from scoring.moment import ids_at, now
from scoring.policy import CutoffPolicy
from scoring.scorecard import Scorecard


class Decider:
    """Scores, decides and explains with one model under one policy."""

    def __init__(self, scorecard: Scorecard, model: StoredModel, policy: CutoffPolicy) -> None:
        record, explainer = model.record, model.explainer
        self.basis = Basis(
            scorecard=scorecard.name,
            model=record.tag,
            variant=record.variant,
            graph_sha256=model.graph.sha256,
            explain_sha256=explainer.sha256,
            columns=model.graph.columns,
            fields=scorecard.columns,
            groups=explainer.groups,
            policy=policy.id,
            cutoff=policy.cutoff,
            runtime=runtime(),
        )
        self.graph = model.graph
        self.explainer = explainer
        self.reference = explainer.reference_for(policy.cutoff)
        """The applicant at the cut-off against whom reasons are measured."""
        self._judge = Judge(scorecard, policy.cutoff)
        self._sentences = {group.code: group.sentence for group in scorecard.reasons}

    def decide(self, inputs: Inputs, explained: NDArray[np.bool_], *, reasons: bool = True) -> Decisions:
        """One decision for each row.

        Args:
            inputs: what the graph reads of the rows.
            explained: [rows], whose contributions are computed even where they are approved.
            reasons: whether those of declines are.
        """
        pd = self.graph.score(inputs)
        verdicts = self._judge.judge(pd)
        contributions: list[NDArray[np.float32] | None] = [None] * len(pd)
        stated: list[list[dict[str, Any]]] = [[] for _ in range(len(pd))]
        wanted = np.flatnonzero(verdicts.declined | explained if reasons else explained)
        if len(wanted):
            found = self.explainer.explain(inputs if len(wanted) == len(pd) else inputs[wanted], self.reference)
            declined = verdicts.declined[wanted].tolist()
            for row, values, groups, stands in zip(
                wanted.tolist(), found.contributions, found.principal, declined, strict=True
            ):
                contributions[row] = values
                if stands:
                    weights = values.tolist()
                    stated[row] = [self._reason(self.basis.groups[group], weights[group]) for group in groups]
        decided_at = now()
        return Decisions(
            basis=self.basis,
            decided_at=decided_at,
            decision_ids=ids_at(decided_at, len(pd)),
            pd=pd,
            declined=verdicts.declined,
            points=verdicts.points,
            bands=[self._judge.bands[band] for band in verdicts.bands.tolist()],
            contributions=contributions,
            reasons=stated,
            thin=None if inputs.known is None else ~inputs.known,
        )

    def recalled(self, records: Sequence[DecisionRecord]) -> Decisions:
        """Decisions that were made in one batch, as the journal holds them."""
        first = records[0]
        return Decisions(
            basis=first.basis,
            decided_at=first.decided_at,
            decision_ids=[record.decision_id for record in records],
            pd=np.array([record.pd for record in records], dtype=np.float32),
            declined=np.array([record.declined for record in records]),
            points=np.array([record.points for record in records]),
            bands=[record.band for record in records],
            contributions=[record.contributions for record in records],
            reasons=[self._reasons_of(record) for record in records],
            thin=None if first.thin is None else np.array([record.thin for record in records]),
        )

    def _reasons_of(self, record: DecisionRecord) -> list[dict[str, Any]]:
        if record.contributions is None:
            return []
        values = dict(zip(record.basis.groups, record.contributions.tolist(), strict=True))
        return [self._reason(code, values[code]) for code in record.reasons]

    def sentence(self, code: str) -> str:
        """What a reason group says in a letter; of an earlier version of the scorecard its code."""
        return self._sentences.get(code, code)

    def _reason(self, code: str, contribution: float) -> dict[str, Any]:
        return {"code": code, "sentence": self.sentence(code), "contribution": contribution}


@cache
def runtime() -> dict[str, str]:
    """Versions of what computes a score, and the kind of processor."""
    return {
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "numpy": version("numpy"),
        "machine": platform.machine(),
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
