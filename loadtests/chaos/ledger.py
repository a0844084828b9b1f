"""Check that a journal holds every answer once, in a whole chain, and that each computes again to the bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from loadtests.chaos.callers import Received
from scoring.graph import Inputs
from scoring.journal.reader import JournalReader
from scoring.journal.record import FLOATS, DecisionRecord
from scoring.models import StoredModel, load

TOGETHER = 4_096
"""Decisions that are computed again by one session call."""


@dataclass
class Audit:
    """The result of comparing a journal with the answers that clients have.

    Attributes:
        received: decisions that some client has.
        kept: decisions in the journal.
        faults: what is wrong, by its name.
    """

    received: int = 0
    kept: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def __str__(self) -> str:
        wrong = ", ".join(f"{count:,} {name}" for name, count in sorted(self.faults.items()))
        return f"{self.received:,} decisions received, {self.kept:,} in the journal, " + (
            f"WRONG: {wrong}" if wrong else "each once and to the same bits"
        )


def audit(
    folder: Path,
    received: Iterable[Received],
    *,
    replay: bool = True,
    advance: Callable[[int], None] = lambda rows: None,
) -> Audit:
    """Compare a journal with the decisions that clients have.

    Args:
        folder: of the journal.
        received: what clients have, of any order.
        replay: whether PDs and contributions are computed again.
        advance: told of records that are done.

    Raises:
        JournalError: a segment cannot be read.
        ModelStoreError: a model that decided is missing.
        GraphIntegrityError: its bytes are not those that decided.
    """
    found = Audit()
    wanted: dict[str, np.float32] = {}
    for one in received:
        if wanted.setdefault(one.decision_id, np.float32(one.pd)) != np.float32(one.pd):
            found.faults["told with two PDs"] += 1
    found.received = len(wanted)
    seen: set[str] = set()
    reader = JournalReader(folder)
    models: dict[str, StoredModel] = {}
    records = _checked(reader, found)
    while chunk := list(islice(records, TOGETHER)):
        for record in chunk:
            found.kept += 1
            if record.decision_id in seen:
                found.faults["doubled"] += 1
            seen.add(record.decision_id)
            pd = wanted.get(record.decision_id)
            if pd is not None and pd != np.float32(record.pd):
                found.faults["told with another PD"] += 1
        if replay:
            _replay(chunk, models, found)
        advance(len(chunk))
    missing = len(wanted.keys() - seen)
    if missing:
        found.faults["answered and not in the journal"] += missing
    return found


def _checked(reader: JournalReader, found: Audit) -> Iterator[DecisionRecord]:
    """Yield the records in order, each checked against the proof before it."""
    _, sequence, proof, _, _ = next(iter(reader.starts()))
    for record in reader.decisions():
        if record.sequence != sequence:
            found.faults["missing in the chain"] += record.sequence - sequence
        elif not record.is_sealed(proof):
            found.faults["not what was sealed"] += 1
        sequence, proof = record.sequence + 1, record.proof
        yield record


def _replay(records: list[DecisionRecord], models: dict[str, StoredModel], found: Audit) -> None:
    by_model: dict[str, list[DecisionRecord]] = {}
    for record in records:
        by_model.setdefault(record.basis.model, []).append(record)
    for tag, mine in by_model.items():
        model = models.get(tag) or models.setdefault(tag, load(tag))
        inputs = _inputs(mine, model)
        again = model.graph.score(inputs)
        found.faults["with another PD when replayed"] += sum(
            float(pd) != record.pd for pd, record in zip(again, mine, strict=True)
        )
        explained = np.array([record.contributions is not None for record in mine])
        if explained.any():
            reference = model.explainer.reference_for(mine[0].basis.cutoff)
            contributions = model.explainer.contributions(inputs[explained], reference)
            recorded = [record.contributions for record in mine if record.contributions is not None]
            found.faults["with other reasons when replayed"] += sum(
                one.tobytes() != before.tobytes() for one, before in zip(contributions, recorded, strict=True)
            )
    # Counters keep what was added even where it is nothing.
    found.faults = +found.faults


def _inputs(records: list[DecisionRecord], model: StoredModel) -> Inputs:
    numeric = np.array([np.frombuffer(record.inputs or b"", dtype=FLOATS) for record in records], dtype=np.float32)
    texts = model.graph.text_columns
    if not texts:
        return Inputs(numeric)
    rows = [record.values for record in records]
    return Inputs(numeric, np.array([[row.get(name) or "" for name in texts] for row in rows], dtype=object))
