"""A journal on read-only media is read whole, in whatever state it was left, and an error says what it is."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from scoring.journal import schema
from scoring.journal.chain import Chain
from scoring.journal.erasure import erase
from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError, segments
from scoring.journal.writer import Journal
from scoring.outcomes.store import Outcome, Outcomes
from tests.read_only import read_only
from tests.scoring.journal.made_up import append

SMALL = JournalLimits(segment_bytes=1 << 17)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of several segments that is open."""
    opened = Journal(tmp_path / "journal", SMALL)
    opened.open()
    while len(segments(opened.folder)) < 3:
        append(opened, [0.1, 0.9], applicant="x" * 2_000)
    append(opened, [0.3])
    return opened


def read(folder: Path) -> list[int]:
    """The decisions of a journal whose every seal holds."""
    reader = JournalReader(folder)
    chain = Chain(reader)
    assert not any(chain.fault(link) for link in chain.decisions(reader.span()))
    return [record.sequence for record in reader.decisions()]


@pytest.mark.parametrize("state", ["closed", "running", "running without its index", "killed in an old segment"])
def test_whatever_the_service_left_is_read(journal: Journal, tmp_path: Path, state: str) -> None:
    expected = read(journal.folder)
    snapshot = tmp_path / "snapshot"
    if state == "closed":
        journal.close()
    shutil.copytree(journal.folder, snapshot)
    if state == "running without its index":
        segments(snapshot)[-1].with_suffix(".sqlite-shm").unlink()
    if state == "killed in an old segment":
        journal.close()
        with closing(sqlite3.connect(segments(journal.folder)[0], isolation_level=None)) as connection:
            connection.execute("PRAGMA cache_size = 1")
            connection.execute("BEGIN")
            connection.execute("UPDATE batches SET payloads = payloads || payloads")
            shutil.copytree(journal.folder, snapshot, dirs_exist_ok=True)
        assert (snapshot / "segment-000001.sqlite-journal").stat().st_size
    before = {path.name: path.read_bytes() for path in snapshot.iterdir()}
    with read_only(snapshot):
        assert read(snapshot) == expected
        assert {path.name: path.read_bytes() for path in snapshot.iterdir()} == before
    assert not list(Path(tempfile.gettempdir()).glob("scorebox-*/segment-*"))
    journal.close()


def test_a_running_service_s_journal_is_read_through_a_read_only_mount(journal: Journal) -> None:
    with read_only(journal.folder):
        assert read(journal.folder)[-1] == journal.last_sequence
    journal.close()


def test_erasing_there_says_that_the_folder_is_read_only(journal: Journal) -> None:
    journal.close()
    names = [record.decision_id for record in JournalReader(journal.folder).decisions()]
    for gone in (None, *segments(journal.folder)[:-1]):
        if gone is not None:
            gone.unlink()
        with read_only(journal.folder), pytest.raises(JournalError, match=r"cannot be written: (Read-only|Permission)"):
            erase(journal.folder, names)
    with read_only(journal.folder), pytest.raises(JournalError, match="cannot be written"):
        Journal(journal.folder).open()
    assert not list(JournalReader(journal.folder).erasures())


def test_what_is_no_segment_and_what_cannot_be_opened_are_told_apart(journal: Journal) -> None:
    journal.close()
    first, second, _ = segments(journal.folder)
    first.write_bytes(b"no database" * 1_000)
    second.unlink()
    second.mkdir()
    with read_only(journal.folder):
        with pytest.raises(JournalError, match="is not a segment of a journal: file is not a database"):
            schema.connect(first, write=False)
        with pytest.raises(JournalError, match=r"cannot be read: Is a directory"):
            schema.connect(second, write=False)


def test_one_who_writes_where_nothing_can_be_locked_is_noticed(journal: Journal) -> None:
    """The same folder may be writable to others."""
    journal.close()
    newest = segments(journal.folder)[-1]
    other = newest.open("r+b")
    with other, read_only(journal.folder):
        reading = schema.reading(newest)
        reading.__enter__()
        other.truncate(1 << 20)
        with pytest.raises(JournalError, match="was written to while it was read"):
            reading.__exit__(None, None, None)


@pytest.mark.parametrize("state", ["none", "closed", "open"])
def test_outcomes_are_read_there_and_not_recorded(journal: Journal, tmp_path: Path, state: str) -> None:
    journal.close()
    made = next(JournalReader(journal.folder).decisions())
    recorded, waiting = (Outcome(name, 1, "2026-11-30", "file.csv") for name in (made.decision_id, "another"))
    if state != "none":
        Outcomes(journal.folder).record([recorded, waiting])
    snapshot = tmp_path / "snapshot"
    if state == "open":
        with closing(sqlite3.connect(journal.folder / "outcomes.sqlite")) as holder:
            holder.execute("UPDATE outcomes SET source = 'a name that only the log holds'")
            holder.commit()
            shutil.copytree(journal.folder, snapshot)
    else:
        shutil.copytree(journal.folder, snapshot)
    with read_only(snapshot):
        store = Outcomes(snapshot)
        if state == "open":
            assert (snapshot / "outcomes.sqlite-wal").stat().st_size
            assert store.kept("recorded")[0].outcome.source == "a name that only the log holds"
        assert store.labels() == ({} if state == "none" else {made.decision_id: 1})
        assert len(store.kept("unknown")) == (state != "none")
        assert not store.adopt()
        with pytest.raises(Exception, match="takes no outcomes now"):
            store.record([Outcome("a third", 0, "2026-11-30", "file.csv")])
