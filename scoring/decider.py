"""Decide with one model under one cut-off policy: the one way from columns to decisions.

The service, batch scoring and replay all go it.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.decision import Basis, Decisions
from scoring.decision_rules import DecidedColumns, DecisionRules
from scoring.graph import Inputs
from scoring.journal.reasons import split_reason
from scoring.journal.record import DecisionRecord
from scoring.models import StoredModel
from scoring.moment import ids_at, now_to_the_millisecond
from scoring.policy import CutoffPolicy
from scoring.principal import ReasonChooser
from scoring.reasons import Explanation, Reference
from scoring.scorecard import Scorecard
from scoring.sentences import Sentences

SESSION_ROWS = 4096
"""Rows of one session call: a longer one leaves the processor's caches, a shorter one costs more calls."""


class Decider:
    """Scores, decides and explains with one model on one basis.

    Args:
        scorecard: the product.
        model: the model of the basis.
        basis: all that the decisions have in common; replay gives the one that the journal holds.
    """

    def __init__(self, scorecard: Scorecard, model: StoredModel, basis: Basis) -> None:
        self.basis = basis
        self.graph = model.graph
        self.explainer = model.explainer
        self._rules = DecisionRules(scorecard, basis.cutoff)
        self._sentences = Sentences(scorecard)

    @classmethod
    def by_policy(cls, scorecard: Scorecard, model: StoredModel, policy: CutoffPolicy) -> Decider:
        """Return a decider that decides by a policy from now on."""
        record, explainer = model.record, model.explainer
        basis = Basis(
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
        return cls(scorecard, model, basis)

    @cached_property
    def reference(self) -> Reference:
        """The applicant at the cut-off against whom reasons are measured.

        Raises:
            LookupError: every reference applicant of the model is declined at this cut-off.
        """
        return self.explainer.reference_for(self.basis.cutoff)

    @cached_property
    def chooser(self) -> ReasonChooser:
        """The chooser of the reasons that are stated.

        Raises:
            LookupError: see `reference`.
        """
        return ReasonChooser(self.graph, self.explainer, self.reference, self.basis.cutoff)

    def columns(self, inputs: Inputs) -> DecidedColumns:
        """Return PD, decision, points and band of each row; no reasons, ids or times."""
        rows = len(inputs)
        if rows <= SESSION_ROWS:
            return self._rules.apply(self.graph.score(inputs))
        starts = range(0, rows, SESSION_ROWS)
        return self._rules.apply(
            np.concatenate([self.graph.score(inputs[start : start + SESSION_ROWS]) for start in starts])
        )

    def decide(self, inputs: Inputs, explained: NDArray[np.bool_], *, reasons: bool = True) -> Decisions:
        """Return one decision for each row.

        Args:
            inputs: what the graph reads of the rows.
            explained: [rows], whose contributions are computed even where they are approved.
            reasons: whether those of declines are computed too.
        """
        decided = self.columns(inputs)
        rows = len(decided.pd)
        contributions: list[NDArray[np.float32] | None] = [None] * rows
        stated: list[list[dict[str, Any]]] = [[] for _ in range(rows)]
        wanted = np.flatnonzero(decided.declined | explained if reasons else explained)
        if len(wanted):
            rows_of = inputs if len(wanted) == rows else inputs[wanted]
            found = self.explainer.explain(rows_of, self.reference)
            for row, values in zip(wanted.tolist(), found.contributions, strict=True):
                contributions[row] = values
            declines = decided.declined[wanted]
            if declines.all():
                reasons_of = self._stated(rows_of, found, decided.pd[wanted])
            else:
                wanted = wanted[declines]
                reasons_of = self._stated(rows_of[declines], found[declines], decided.pd[wanted]) if len(wanted) else []
            for row, of_row in zip(wanted.tolist(), reasons_of, strict=True):
                stated[row] = of_row
        decided_at = now_to_the_millisecond()
        return Decisions(
            basis=self.basis,
            decided_at=decided_at,
            decision_ids=ids_at(decided_at, rows),
            pd=decided.pd,
            declined=decided.declined,
            points=decided.points,
            bands=self.band_names(decided),
            contributions=contributions,
            reasons=stated,
            thin=None if inputs.known is None else ~inputs.known,
        )

    def _stated(self, inputs: Inputs, found: Explanation, pd: NDArray[np.float32]) -> list[list[dict[str, Any]]]:
        """Return the members of the `Reason`s of declined rows."""
        chosen = self.chooser.choose(inputs, found, pd)
        codes, statement = self.basis.groups, self.chooser.statement
        return [
            [self._reason(codes[group], statement(statements.get(group)), weights[group]) for group in groups]
            for weights, groups, statements in zip(
                found.contributions.tolist(), chosen.principal, chosen.statements, strict=True
            )
        ]

    def band_names(self, decided: DecidedColumns) -> list[str]:
        """Return the name of each row's risk band."""
        names = self._rules.bands
        return [names[band] for band in decided.bands.tolist()]

    def recalled(self, records: Sequence[DecisionRecord]) -> Decisions:
        """Return decisions that were made in one batch, from the journal's records of them."""
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
        """Return the members of the `Reason`s that were stated."""
        if record.contributions is None:
            return []
        values = dict(zip(record.basis.groups, record.contributions.tolist(), strict=True))
        return [self._reason(code, statement, values[code]) for code, statement in map(split_reason, record.reasons)]

    def sentence(self, code: str, statement: str | None) -> str:
        """Return the sentence of a statement of a reason group, as `Sentences` does."""
        return self._sentences.of(code, statement)

    def _reason(self, code: str, statement: str | None, contribution: float) -> dict[str, Any]:
        return {
            "code": code,
            "statement": statement,
            "sentence": self._sentences.of(code, statement),
            "contribution": contribution,
        }


@cache
def runtime() -> dict[str, str]:
    """Return the versions of the libraries that compute a score, and the kind of processor."""
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
