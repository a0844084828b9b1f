"""Decisions are found by place, by time, by id and by applicant, and can be read with an SQLite shell."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.schema import segments
from scoring.journal.writer import Journal
from tests.scoring.journal.made_up import append

# Two scorers write to one journal, so moments come twice and may go back.
MOMENTS = [f"2026-10-{day}T12:00:00.{milliseconds:03}+00:00" for day in (11, 12) for milliseconds in (7, 8)]
BATCHES = [(MOMENTS[number % 4], 1 + number * 7 % 5) for number in range(24)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 24 batches in several segments."""
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, JournalLimits(segment_bytes=1 << 16))
    journal.open()
    for number, (moment, rows) in enumerate(BATCHES):
        pds = [0.01 * (number + 1), 0.9, 0.2, 0.4, 0.3][:rows]
        append(journal, pds, decided_at=moment, applicant=f"client-{number % 3}" if number % 2 else None)
    journal.close()
    assert len(segments(folder)) > 1
    return folder


def test_every_decision_is_found_by_its_id(folder: Path) -> None:
    reader = JournalReader(folder)
    records = list(reader.decisions())
    assert [record.sequence for record in records] == list(range(1, sum(rows for _, rows in BATCHES) + 1))
    for record in records:
        found = reader.find(record.decision_id)
        assert found
        assert (found.sequence, found.pd, found.sealed) == (record.sequence, record.pd, record.sealed)
    names = [record.decision_id for record in records]
    assert reader.known([*names, "another"]) == {record.decision_id: record.decided_at for record in records}
    assert reader.sequences_of(names[3:9]) == dict(zip(names[3:9], range(4, 10), strict=True))


@given(name=st.one_of(st.text(), st.uuids(version=4).map(str)))
def test_an_id_that_no_decision_has_is_not_found(folder: Path, name: str) -> None:
    assert JournalReader(folder).find(name) is None
    assert JournalReader(folder).known([name]) == {}


@given(
    after=st.integers(0, 80),
    since=st.none() | st.sampled_from([*MOMENTS, "2026-10-12"]),
    until=st.none() | st.sampled_from([*MOMENTS, "2026-10-12"]),
)
def test_decisions_of_some_times_are_those_of_all_that_are_of_them(
    folder: Path, after: int, since: str | None, until: str | None
) -> None:
    reader = JournalReader(folder)
    expected = [
        record.sequence
        for record in reader.decisions()
        if record.sequence > after
        and (since is None or record.decided_at >= since)
        and (until is None or record.decided_at < until)
    ]
    assert [record.sequence for record in reader.decisions(after=after, since=since, until=until)] == expected


@given(decision=st.integers(0, 80))
def test_the_oldest_time_after_a_decision_is_that_of_the_next_one(folder: Path, decision: int) -> None:
    reader = JournalReader(folder)
    following = next((record.decided_at for record in reader.decisions(after=decision)), None)
    assert reader.oldest_after(decision, 0) == following


def test_the_decisions_of_an_applicant_are_found(folder: Path) -> None:
    reader = JournalReader(folder)
    for name in ("client-0", "client-1", "client-2"):
        assert reader.of_applicant(name) == [one.decision_id for one in reader.decisions() if one.applicant == name]
    assert reader.of_applicant("client-3") == []


def test_an_sqlite_shell_shows_what_was_decided(folder: Path) -> None:
    rows: list[tuple[object, ...]] = []
    for path in segments(folder):
        with closing(sqlite3.connect(path)) as connection:
            rows += connection.execute("SELECT * FROM decisions ORDER BY sequence").fetchall()
    assert rows == [
        (
            record.sequence, record.decision_id, record.decided_at, record.request_id, record.basis.model,
            record.basis.policy, record.pd, int(record.declined), record.points, record.band, record.thin,
            orjson.dumps(record.reasons).decode(),
        )
        for record in JournalReader(folder).decisions()
    ]  # fmt: skip
