"""Whether the chain of a journal holds, without any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scoring.journal.chain import Chain, Fault, Link
from scoring.journal.reader import JournalReader
from scoring.journal.record import ChallengeRecord, DecisionRecord
from training.errors import StageError


@dataclass
class Kind:
    """The chain of decisions, or that of challenges."""

    name: str
    first: int
    """The sequence that it begins with: what was before, retention has removed."""
    records: int = 0
    erased: int = 0
    faults: int = 0
    first_fault: tuple[int, Fault] | None = None

    def count(self, link: Link[DecisionRecord] | Link[ChallengeRecord], fault: Fault | None) -> None:
        """Count one more place."""
        self.records += link.is_there
        self.erased += link.record is not None and link.record.erased
        if fault is not None:
            self.faults += 1
            self.first_fault = self.first_fault or (link.sequence, fault)


@dataclass(frozen=True)
class Proof:
    """The result of checking a journal's seals."""

    decisions: Kind
    challenges: Kind
    strays: int
    """Records in another place than that of their sequence."""
    head: str
    """`<sequence>:<proof>` of the last decision, to be kept elsewhere."""
    head_is_there: bool | None
    """Whether the head noted earlier is still in the chain; None if none was given."""

    @property
    def faults(self) -> list[str]:
        """The faults, the first place of each kind."""
        said = []
        for kind in (self.decisions, self.challenges):
            if kind.first_fault is not None:
                sequence, fault = kind.first_fault
                said.append(f"{kind.name} {sequence:,} is the first of {kind.faults:,}: {fault.value}")
        if self.strays:
            said.append(f"{self.strays:,} records stand in another place than their own")
        if self.head_is_there is False:
            said.append("the head that was noted is not in the chain: it was written anew, or its end removed")
        return said


def prove(reader: JournalReader, head: tuple[int, bytes] | None, advance: Callable[[int], None]) -> Proof:
    """Check every seal of both chains.

    Args:
        reader: of the journal.
        head: sequence and proof of a decision, as noted earlier.
        advance: told of records that are done.

    Raises:
        StageError: retention has removed the decision of the head.
        JournalError: a segment cannot be read.
    """
    span, challenges = reader.span(), reader.challenge_span()
    # Only now: it knows the segments of that time, and a service may begin another one.
    chain = Chain(reader)
    if head is not None and head[0] < span.start - 1:
        raise StageError(f"--head: decision {head[0]:,} has been removed by retention, {span.start:,} is the first")
    decided, challenged = Kind("decision", span.start), Kind("challenge", challenges.start)
    for link in chain.decisions(span):
        decided.count(link, chain.fault(link))
        advance(1)
    for theirs in chain.challenges(challenges):
        challenged.count(theirs, chain.fault(theirs))
        advance(1)
    last = span.stop - 1
    return Proof(
        decided,
        challenged,
        strays=reader.strays(),
        head=f"{last}:{(chain.proof_at(last) or b'').hex()}",
        head_is_there=None if head is None else chain.proof_at(head[0]) == head[1],
    )


def parse_head(text: str) -> tuple[int, bytes]:
    """Return sequence and proof of `<sequence>:<proof>`.

    Raises:
        StageError: it is something else.
    """
    sequence, _, proof = text.partition(":")
    try:
        return int(sequence), bytes.fromhex(proof)
    except ValueError:
        raise StageError(f"--head: {text!r} is not SEQUENCE:PROOF, as `scorebox journal verify` says it") from None
