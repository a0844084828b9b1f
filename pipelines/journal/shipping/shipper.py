"""Copies what a database does not hold yet, one transaction after the other.

Where the copy stands is a row of the database, moved by the transaction that copies: whatever is killed, and whenever,
the next transaction goes on exactly after the last one that was committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from pipelines.journal.shipping.arrivals import arrive
from pipelines.journal.shipping.database import Database
from pipelines.journal.shipping.rows import EMPTIED, basis_row, challenge_row, decision_row
from pipelines.journal.shipping.tables import bases, challenges, decisions, erasures, journals
from scoring.journal.reader import JournalReader
from scoring.journal.record import ChallengeRecord, DecisionRecord
from scoring.journal.schema import NO_PROOF, journal_id, segments
from scoring.journal.shipped import Shipped
from scoring.moment import now_to_the_millisecond
from training.errors import StageError

ROWS = 2_000
"""Decisions, and challenges, in one transaction."""

Record = TypeVar("Record", DecisionRecord, ChallengeRecord)


@dataclass(frozen=True, slots=True)
class Copied:
    """The records that one transaction copied."""

    decisions: int
    challenges: int
    erasures: int
    expired: tuple[str, ...]
    """Records that retention took out of the journal before they were copied, as ranges in words."""

    @property
    def records(self) -> int:
        """Decisions and challenges."""
        return self.decisions + self.challenges

    @property
    def full(self) -> bool:
        """Whether more may be waiting."""
        return ROWS in {self.decisions, self.challenges}


@dataclass(frozen=True, slots=True)
class _Position:
    """The last record copied, and its proof."""

    sequence: int
    proof: bytes

    def after_retention(self, what: str, start: _Position) -> tuple[_Position, tuple[str, ...]]:
        """Return where to go on in a journal that begins after `start`, and what it no longer has."""
        if start.sequence <= self.sequence:
            return self, ()
        return start, (f"{what} {self.sequence + 1:,} to {start.sequence:,}",)


class Shipper:
    """Copies one journal to one database.

    Args:
        folder: of the journal.
        database: where it is copied to.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        # The erasures that the copy has: they come in no order that a position could follow.
        self._erased: set[str] | None = None
        self._told: tuple[int, int] | None = None

    def remaining(self) -> int:
        """Return the number of decisions and challenges that the database does not hold yet.

        Raises:
            JournalError, StageError: see `ship`.
        """
        reader = JournalReader(self._folder)
        self._begin()
        with self._database.transaction() as connection:
            self._database.check(connection)
            decided, challenged = _positions(connection, journal_id(self._folder))
        return max(0, reader.last_sequence() - decided.sequence) + max(0, reader.last_challenge() - challenged.sequence)

    def ship(self) -> Copied:
        """Copy the next records, up to `ROWS` decisions and as many challenges, and every erasure, in one transaction.

        Raises:
            JournalError: the journal cannot be read.
            AwayError: PostgreSQL does not serve now.
            StageError: the database is of another revision or holds other contents in the place of these, or the next
                record of the journal is not what was sealed after the last one copied.
        """
        self._begin()
        known, self._erased = self._erased, None  # until committed: a database that went away may come back older
        with self._database.transaction() as connection:
            self._database.check(connection)
            copied, position, erased = self._ship(connection, known)
        self._erased = erased
        if position != self._told:
            Shipped(decisions=position[0], challenges=position[1], shipped_at=now_to_the_millisecond()).write(
                self._folder
            )
            self._told = position
        return copied

    def _begin(self) -> None:
        # Before PostgreSQL is asked: a copy that never began is late too.
        if self._told is None and segments(self._folder):
            Shipped.begin(self._folder)

    def _ship(self, connection: Connection, known: set[str] | None) -> tuple[Copied, tuple[int, int], set[str]]:
        reader, journal = JournalReader(self._folder), journal_id(self._folder)
        decided, challenged = _positions(connection, journal)
        if decided.sequence > reader.last_sequence() or challenged.sequence > reader.last_challenge():
            raise StageError(
                f"{self._database.name} holds {decided.sequence:,} decisions and {challenged.sequence:,} challenges of "
                f"the journal {self._folder}, which has fewer: an older copy of it must have taken its place"
            )
        _, decision, decision_proof, challenge, challenge_proof = reader.starts()[0]
        decided, lost = decided.after_retention("decisions", _Position(decision - 1, decision_proof))
        challenged, lost_too = challenged.after_retention("challenges", _Position(challenge - 1, challenge_proof))
        made = self._sealed("decision", reader.decisions(after=decided.sequence), decided)
        scored = self._sealed("challenge", reader.challenges(after=challenged.sequence), challenged)

        records: list[DecisionRecord | ChallengeRecord] = [*made, *scored]
        common = {record.basis_sha256: record.basis for record in records}
        if common:
            rows = [basis_row(basis, digest) for digest, basis in common.items()]
            connection.execute(insert(bases).on_conflict_do_nothing(), rows)
        where = self._database.name
        arrive(connection, where, decisions, decisions.c.decision_id, [decision_row(journal, one) for one in made])
        arrive(connection, where, challenges, challenges.c.proof, [challenge_row(journal, one) for one in scored])
        # After the records: what was read above and erased since is emptied by the same transaction.
        erased = _erase(connection, journal, reader, known)

        decided, challenged = _last(made, decided), _last(scored, challenged)
        connection.execute(
            update(journals)
            .where(journals.c.journal == journal)
            .values(
                decisions=decided.sequence,
                decision_proof=decided.proof,
                challenges=challenged.sequence,
                challenge_proof=challenged.proof,
            )
        )
        copied = Copied(len(made), len(scored), len(erased) - len(known or ()), (*lost, *lost_too))
        return copied, (decided.sequence, challenged.sequence), erased

    def _sealed(self, what: str, records: Iterator[Record], position: _Position) -> list[Record]:
        """Return the next records, up to one that is not what was sealed after the one before it."""
        found: list[Record] = []
        proof = position.proof
        for record in islice(records, ROWS):
            if not record.is_sealed(proof):
                if found:
                    break
                raise StageError(
                    f"{what} {record.decision_id}, number {record.sequence:,} of the journal {self._folder}, is not "
                    "what was sealed after the one before it: the journal was changed, or is not the one copied until "
                    "then; nothing from there on is copied"
                )
            proof = record.proof
            found.append(record)
        return found


def _positions(connection: Connection, journal: str) -> tuple[_Position, _Position]:
    """Return how far decisions and challenges are copied; nobody else moves that until the transaction ends."""
    first = {"decisions": 0, "decision_proof": NO_PROOF, "challenges": 0, "challenge_proof": NO_PROOF}
    connection.execute(insert(journals).on_conflict_do_nothing(), {"journal": journal, **first})
    row = connection.execute(select(journals).where(journals.c.journal == journal).with_for_update()).one()
    return _Position(row.decisions, row.decision_proof), _Position(row.challenges, row.challenge_proof)


def _last(records: Sequence[DecisionRecord] | Sequence[ChallengeRecord], before: _Position) -> _Position:
    return _Position(records[-1].sequence, records[-1].proof) if records else before


def _erase(connection: Connection, journal: str, reader: JournalReader, known: set[str] | None) -> set[str]:
    """Empty the payloads of decisions erased since; return the ids of all that the copy has as erased."""
    if known is None:
        known = set(connection.scalars(select(erasures.c.decision_id).where(erasures.c.journal == journal)))
    new = [(name, at) for name, at in reader.erasures() if name not in known]
    if new:
        rows = [{"decision_id": name, "journal": journal, "erased_at": datetime.fromisoformat(at)} for name, at in new]
        connection.execute(insert(erasures).on_conflict_do_nothing(), rows)
        for table, emptied in EMPTIED.items():
            statement = update(table).where(table.c.decision_id == bindparam("erased")).values(emptied)
            connection.execute(statement, [{"erased": name} for name, _ in new])
    return known | {name for name, _ in new}
