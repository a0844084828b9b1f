"""Read a journal, also while a service appends to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scoring.journal import lookup
from scoring.journal.batch import Place, RecordBatch
from scoring.journal.record import CHALLENGE_COLUMNS, Bases, ChallengeRecord, DecisionRecord, challenge_record
from scoring.journal.schema import JournalError, reading, segments

_CHUNK = 1_000
_NO_END = (1 << 63) - 1


class JournalReader:
    """The records of a journal, in order.

    Args:
        folder: of the journal.

    Raises:
        JournalError: there is no journal.
    """

    def __init__(self, folder: Path) -> None:
        if not segments(folder):
            raise JournalError(f"there is no journal in {folder}")
        self.folder = folder

    def decisions(
        self, *, since: str | None = None, until: str | None = None, after: int = 0
    ) -> Iterator[DecisionRecord]:
        """Yield the decisions in the order in which they were made.

        Args:
            since: the earliest time, ISO 8601 in UTC; a date stands for its first moment.
            until: the time, in the same form, before which they were made.
            after: the sequence after which to begin.

        Raises:
            JournalError: a segment cannot be read.
        """
        for path in segments(self.folder):
            with reading(path) as connection:
                yield from lookup.decisions(connection, after, since, until)

    def find(self, decision_id: str) -> DecisionRecord | None:
        """Return the decision of that id; None if the journal has none.

        Raises:
            JournalError: it is damaged, or a segment cannot be read.
        """
        for path in reversed(segments(self.folder)):
            with reading(path) as connection:
                for batch, place in lookup.places(connection, [decision_id]):
                    return batch.record(place, lookup.read_bases(connection))
        return None

    def known(self, decision_ids: Sequence[str]) -> dict[str, str]:
        """Return when each of these decisions was made; those that the journal does not have are left out."""
        return {name: batch.decided_at for name, batch, _ in self._places(decision_ids)}

    def sequences_of(self, decision_ids: Sequence[str]) -> dict[str, int]:
        """Return where the decisions of these ids stand; ids that the journal does not have are left out."""
        return {name: place.sequence for name, _, place in self._places(decision_ids)}

    def of_applicant(self, applicant: str) -> list[str]:
        """Return the ids of an applicant's decisions that have not been erased."""
        found: list[str] = []
        for path in segments(self.folder):
            with reading(path) as connection:
                rows = connection.execute(
                    "SELECT sequence FROM applicants WHERE applicant = ?", (applicant,)
                ).fetchall()
                theirs = sorted(sequence for (sequence,) in rows)
                found += [place.decision_id for _, place in lookup.places_at(connection, theirs) if place.decision_id]
        return found

    def challenges(self, *, after: int = 0) -> Iterator[ChallengeRecord]:
        """Yield the challengers' scores of decisions' applications, in order.

        Raises:
            JournalError: a segment cannot be read.
        """
        for row, bases in self._rows("challenges", CHALLENGE_COLUMNS, after):
            yield challenge_record(row, bases)

    def challenges_of(self, decision_ids: Sequence[str]) -> Iterator[ChallengeRecord]:
        """Return the challengers' scores of the applications of these decisions."""
        query = f"SELECT {CHALLENGE_COLUMNS} FROM challenges WHERE decision_id = ?"  # noqa: S608  # own words only
        for path in segments(self.folder):
            with reading(path) as connection:
                bases = lookup.read_bases(connection)
                for name in decision_ids:
                    for row in connection.execute(query, (name,)):
                        yield challenge_record(row, bases)

    def erasures(self) -> Iterator[tuple[str, str]]:
        """Yield the ids of decisions whose payload has been erased, and when."""
        for path in segments(self.folder):
            with reading(path) as connection:
                rows = connection.execute("SELECT decision_id, erased_at FROM erasures ORDER BY sequence")
                yield from rows.fetchall()

    def starts(self) -> list[tuple[Path, int, bytes, int, bytes]]:
        """Yield for each segment its first decision and the proof before it, and the same of challenges."""
        found: list[tuple[Path, int, bytes, int, bytes]] = []
        for path in segments(self.folder):
            with reading(path) as connection:
                row = connection.execute(
                    "SELECT first_decision, decision_proof, first_challenge, challenge_proof FROM segment"
                ).fetchone()
                found.append((path, *row))
        return found

    def span(self, *, since: str | None = None, until: str | None = None) -> range:
        """Return the sequences that there should be from the first to the last decision of these times."""
        starts = self.starts()
        first, end = starts[0][1], max(self.last_sequence() + 1, starts[-1][1])
        if since is not None:
            first = self._bound("first", "decided_at >= ?", since, "ASC", default=end)
        if until is not None:
            end = self._bound("last", "decided_at < ?", until, "DESC", default=first - 1) + 1
        return range(first, max(first, end))

    def challenge_span(self) -> range:
        """Return the sequences that there should be of challenges."""
        starts = self.starts()
        return range(starts[0][3], max(self.last_challenge() + 1, starts[-1][3]))

    def last_sequence(self) -> int:
        """Return the sequence of the newest decision, 0 if there is none."""
        return self._last("(SELECT last FROM batches ORDER BY first DESC LIMIT 1)", "first_decision")

    def last_challenge(self) -> int:
        """Return the sequence of the newest challenge, 0 if there is none."""
        return self._last("(SELECT max(sequence) FROM challenges)", "first_challenge")

    def oldest_after(self, decision: int, challenge: int) -> str | None:
        """Return the time of the oldest record beyond these sequences, None if there is none, by one row of a table."""
        times = []
        if decision < self.last_sequence():
            times.append(self._time_after(lookup.time_after, decision))
        if challenge < self.last_challenge():
            times.append(self._time_after(_challenge_after, challenge))
        return min((time for time in times if time is not None), default=None)

    def strays(self) -> int:
        """Return how many records stand in another place than that of their sequence."""
        count = 0
        starts = self.starts()
        for number, (path, decision, _, challenge, _) in enumerate(starts):
            later = starts[number + 1] if number + 1 < len(starts) else None
            with reading(path) as connection:
                count += lookup.strays(connection, decision, _NO_END if later is None else later[1])
                query = "SELECT count(*) FROM challenges WHERE sequence < ? OR sequence >= ?"
                end = _NO_END if later is None else later[3]
                count += connection.execute(query, (challenge, end)).fetchone()[0]
        return count

    def _places(self, ids: Sequence[str]) -> Iterator[tuple[str, RecordBatch, Place]]:
        wanted = set(ids)
        for path in reversed(segments(self.folder)):
            if not wanted:
                break
            with reading(path) as connection:
                for batch, place in list(lookup.places(connection, wanted)):
                    if place.decision_id is not None:
                        wanted.discard(place.decision_id)
                        yield place.decision_id, batch, place

    def _last(self, newest: str, first: str) -> int:
        # The newest segment knows where it began, so it answers for those before it.
        with reading(segments(self.folder)[-1]) as connection:
            (last,) = connection.execute(f"SELECT coalesce({newest}, {first} - 1) FROM segment").fetchone()  # noqa: S608  # own words only
            return int(last)

    def _time_after(
        self, of_segment: Callable[[sqlite3.Connection, int], tuple[int, str] | None], after: int
    ) -> str | None:
        found: str | None = None
        for path in reversed(segments(self.folder)):
            with reading(path) as connection:
                row = of_segment(connection, after)
            if row is not None:
                found = row[1]
                if row[0] == after + 1:
                    break
        return found

    def _bound(self, of_batch: str, clause: str, bound: str, order: str, *, default: int) -> int:
        """Return a sequence of the first batch in this order whose time is within the bound."""
        query = f"SELECT {of_batch} FROM batches WHERE {clause} ORDER BY first {order} LIMIT 1"  # noqa: S608  # own words only
        paths = segments(self.folder)
        for path in paths if order == "ASC" else reversed(paths):
            with reading(path) as connection:
                if (row := connection.execute(query, (bound,)).fetchone()) is not None:
                    return int(row[0])
        return default

    def _rows(self, table: str, columns: str, after: int) -> Iterator[tuple[tuple[Any, ...], Bases]]:
        query = f"SELECT {columns} FROM {table} WHERE sequence > ? ORDER BY sequence LIMIT {_CHUNK}"  # noqa: S608  # own words only
        for path in segments(self.folder):
            with reading(path) as connection:
                # Chunk by chunk: a read that stayed open would keep the writer from clearing its log.
                while rows := connection.execute(query, (after,)).fetchall():
                    bases = lookup.read_bases(connection)
                    for row in rows:
                        yield row, bases
                    after = rows[-1][0]


def _challenge_after(connection: sqlite3.Connection, after: int) -> tuple[int, str] | None:
    query = "SELECT sequence, scored_at FROM challenges WHERE sequence > ? ORDER BY sequence LIMIT 1"
    row: tuple[int, str] | None = connection.execute(query, (after,)).fetchone()
    return row
