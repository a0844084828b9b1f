"""Decisions recomputed from the journal alone, and compared with what it says, to the bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydantic import BaseModel

from pipelines.journal.recompute import Difference, recomputed_differences
from scoring import models
from scoring.decider import runtime
from scoring.decision import Basis
from scoring.graph import GraphIntegrityError
from scoring.journal.chain import Chain, Fault
from scoring.journal.reader import JournalReader
from scoring.journal.record import DecisionRecord
from scoring.models import MissingModelError, ModelStoreError, StoredModel
from scoring.scorecard import Scorecard
from training.errors import StageError

ROWS = 4_096
"""Decisions that are recomputed together."""
SAMPLE_SEED = 7


class ReplayStatus(StrEnum):
    """The result of the replay of one decision."""

    SAME = "same"
    ERASED = "erased"
    DIFFERS = "differs"
    TAMPERED = "tampered record"
    MISSING = "missing record"
    MISSING_MODEL = "missing model"
    CHANGED_MODEL = "changed model"

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to look into: same, or erased on purpose with its proof intact."""
        return self in {ReplayStatus.SAME, ReplayStatus.ERASED}


_OF_FAULT = {Fault.MISSING: ReplayStatus.MISSING, Fault.TAMPERED: ReplayStatus.TAMPERED}


class Finding(BaseModel):
    """A decision that is not the same."""

    sequence: int
    through: int
    """The last of several missing ones."""
    decision_id: str | None
    verdict: ReplayStatus
    detail: str = ""
    differences: dict[str, Difference] = {}


class OtherRuntime(BaseModel):
    """Decisions that other versions made: a reason for differences, none to find fault."""

    decisions: int
    recorded: dict[str, str]
    """The versions that differ from those here."""


class Replay(BaseModel):
    """The result of replaying some decisions."""

    scorecard: str
    journal: str
    decisions: int
    verdicts: dict[ReplayStatus, int]
    models: dict[str, int]
    """Decisions by the exact tag of their model."""
    runtime: dict[str, str]
    other_runtimes: list[OtherRuntime]
    findings: list[Finding]

    @property
    def holds(self) -> bool:
        """Whether every decision is the same, or erased."""
        return all(verdict.is_good for verdict in self.verdicts)


def places_of(reader: JournalReader, decision_ids: Sequence[str]) -> list[int]:
    """Return the sequences of these decisions, rising.

    Raises:
        StageError: the journal does not have one of them.
    """
    found = reader.sequences_of(decision_ids)
    unknown = [name for name in decision_ids if name not in found]
    if unknown:
        raise StageError(f"{reader.folder} has no decision {', '.join(unknown)}")
    return sorted(set(found.values()))


def sample_of(span: range, size: int) -> list[int]:
    """Return `count` of the sequences, drawn with a fixed seed; all, if there are no more."""
    random = np.random.default_rng(SAMPLE_SEED)
    drawn = random.choice(len(span), size=min(size, len(span)), replace=False, shuffle=False)
    return sorted(span[place] for place in drawn.tolist())


def replay(
    scorecard: Scorecard, reader: JournalReader, sequences: Sequence[int], advance: Callable[[int], None]
) -> Replay:
    """Recompute the decisions at these places of the journal, which come in rising order.

    Args:
        scorecard: the product.
        reader: of the journal.
        sequences: which decisions.
        advance: told of decisions that are done.

    Raises:
        StageError: the journal is another scorecard's.
        JournalError: a segment cannot be read.
    """
    work = _Work(scorecard)
    chain = Chain(reader)
    for link in chain.decisions(sequences):
        fault = chain.fault(link)
        if fault is not None:
            name = None if link.record is None else link.record.decision_id
            work.record_fault(link.sequence, name, _OF_FAULT[fault])
        else:
            assert link.record is not None
            work.queue(link.record)
        advance(1)
    work.finish()
    here = runtime()
    return Replay(
        scorecard=scorecard.name,
        journal=str(reader.folder),
        decisions=len(sequences),
        verdicts={verdict: work.verdicts[verdict] for verdict in ReplayStatus if work.verdicts[verdict]},
        models=dict(work.models),
        runtime=here,
        other_runtimes=[
            OtherRuntime(decisions=count, recorded=dict(other)) for other, count in work.runtimes.items() if other
        ],
        findings=list(_joined(sorted(work.findings, key=lambda finding: finding.sequence))),
    )


class _Work:
    """Gathers decisions by their basis and recomputes them together."""

    def __init__(self, scorecard: Scorecard) -> None:
        self.findings: list[Finding] = []
        self.verdicts: Counter[ReplayStatus] = Counter()
        self.models: Counter[str] = Counter()
        self.runtimes: Counter[tuple[tuple[str, str], ...]] = Counter()
        self._scorecard = scorecard
        self._stored: dict[str, StoredModel | _Unusable] = {}
        self._waiting: dict[bytes, list[DecisionRecord]] = {}
        self._count = 0

    def record_fault(self, sequence: int, name: str | None, verdict: ReplayStatus, detail: str = "") -> None:
        """Record a fault of a decision, or that it is erased."""
        self.verdicts[verdict] += 1
        self.findings.append(
            Finding(sequence=sequence, through=sequence, decision_id=name, verdict=verdict, detail=detail)
        )

    def queue(self, record: DecisionRecord) -> None:
        """Queue a decision whose seal holds."""
        basis = record.basis
        if basis.scorecard != self._scorecard.name:
            raise StageError(f"the journal is of {basis.scorecard}, not of {self._scorecard.name}")
        self.models[basis.model] += 1
        if record.erased:
            self.record_fault(record.sequence, record.decision_id, ReplayStatus.ERASED)
            return
        self._waiting.setdefault(record.basis_sha256, []).append(record)
        self._count += 1
        if self._count == ROWS:
            self.finish()

    def finish(self) -> None:
        """Recompute the decisions that are waiting."""
        for records in self._waiting.values():
            self._recompute(records)
        self._waiting = {}
        self._count = 0

    def _recompute(self, records: list[DecisionRecord]) -> None:
        basis = records[0].basis
        opened = self._open(basis)
        if isinstance(opened, _Unusable):
            for record in records:
                self.record_fault(record.sequence, record.decision_id, opened.verdict, opened.detail)
            return
        here = runtime()
        self.runtimes[tuple(item for item in basis.runtime.items() if here.get(item[0]) != item[1])] += len(records)
        found = recomputed_differences(self._scorecard, opened, basis, records)
        for record, differences in zip(records, found, strict=True):
            if differences:
                self.record_fault(record.sequence, record.decision_id, ReplayStatus.DIFFERS)
                self.findings[-1].differences = differences
            else:
                self.verdicts[ReplayStatus.SAME] += 1

    def _open(self, basis: Basis) -> StoredModel | _Unusable:
        if basis.model not in self._stored:
            self._stored[basis.model] = _load(basis.model)
        model = self._stored[basis.model]
        if isinstance(model, _Unusable):
            return model
        for what, stored, recorded in (
            ("graph", model.graph.sha256, basis.graph_sha256),
            ("explain graph", model.explainer.sha256, basis.explain_sha256),
        ):
            if stored != recorded:
                detail = f"{basis.model}: the {what} has the sha256 {stored}, the record says {recorded}"
                return _Unusable(ReplayStatus.CHANGED_MODEL, detail)
        return model


@dataclass(frozen=True)
class _Unusable:
    """Why a model's decisions cannot be replayed."""

    verdict: ReplayStatus
    detail: str


def _load(tag: str) -> StoredModel | _Unusable:
    try:
        return models.load(tag)
    except MissingModelError as error:
        return _Unusable(ReplayStatus.MISSING_MODEL, str(error))
    except (ModelStoreError, GraphIntegrityError) as error:
        return _Unusable(ReplayStatus.CHANGED_MODEL, str(error))


def _joined(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Join the findings of missing records that follow one another."""
    last: Finding | None = None
    for finding in findings:
        if (
            last is not None
            and last.verdict == finding.verdict == ReplayStatus.MISSING
            and finding.sequence == last.through + 1
        ):
            last.through = finding.through
            continue
        if last is not None:
            yield last
        last = finding
    if last is not None:
        yield last
