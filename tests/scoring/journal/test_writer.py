"""A journal keeps what is put into it, as it was, whatever happens to the process or the disk."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from scoring.journal import schema
from scoring.journal.chain import Chain
from scoring.journal.limits import JournalLimits, Sync
from scoring.journal.names import KEY_SECONDS, KeyConflictError
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError, reading, segments
from scoring.journal.transaction import JournalUnavailableError
from scoring.journal.writer import Journal
from tests.conftest import PROJECT
from tests.scoring.journal.made_up import BASIS, append, applications, decisions, inputs

SMALL = JournalLimits(segment_bytes=1 << 17)
KEY = Key("key-1", 0, b"\1" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "card_default"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    opened = Journal(folder)
    opened.open()
    yield opened
    opened.close()


def holds(folder: Path) -> bool:
    """Whether every seal does, from the first record to the last."""
    reader = JournalReader(folder)
    chain = Chain(reader)
    faults = [
        *(chain.fault(link) for link in chain.decisions(reader.span())),
        *(chain.fault(link) for link in chain.challenges(reader.challenge_span())),
    ]
    return reader.strays() == 0 and not any(faults)


def child(what: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.scoring.journal.children", what, str(folder)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_a_decision_is_read_back_to_the_bit(journal: Journal) -> None:
    pds = [0.1, float(np.nextafter(np.float32(0.25), np.float32(0))), 0.25, 1.0, 0.0, 1e-30]
    made = decisions(pds)
    journal.append(made, inputs(pds), applications(pds), [RequestOrigin(2, "one", "client-7"), RequestOrigin(4, "two")])
    records = list(JournalReader(journal.folder).decisions())
    assert [record.sequence for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record.decision_id for record in records] == made.decision_ids
    assert {record.decided_at for record in records} == {made.decided_at}
    assert [record.request_id for record in records] == ["one"] * 2 + ["two"] * 4
    assert [record.applicant for record in records] == ["client-7"] * 2 + [None] * 4
    assert np.array([record.pd for record in records], dtype=np.float32).tobytes() == made.pd.tobytes()
    assert [record.declined for record in records] == made.declined.tolist() == [False, False, True, True, False, False]
    assert [record.basis for record in records] == [BASIS] * 6
    assert [record.inputs for record in records] == inputs(pds)
    assert [record.values for record in records] == [{"LIMIT_BAL": 1_000, "PAY_0": pd} for pd in pds]
    assert records[2].values == {"LIMIT_BAL": 1_000, "PAY_0": 0.25}
    assert records[2].reasons == ("DELAYS.LATE",)
    assert records[2].contributions is not None
    assert records[2].contributions.tobytes() == np.array([1.5, -0.5], dtype=np.float32).tobytes()
    assert records[0].reasons == ()
    assert records[0].contributions is None
    assert JournalReader(journal.folder).find(made.decision_ids[3]) is not None
    assert JournalReader(journal.folder).find("another") is None
    assert JournalReader(journal.folder).of_applicant("client-7") == made.decision_ids[:2]


def test_the_chain_goes_on_over_segments(folder: Path) -> None:
    journal = Journal(folder, SMALL)
    journal.open()
    made: list[str] = []
    for round_ in range(60):
        batch = append(journal, [0.1, 0.9], applicant="x" * 2_000)
        if round_ % 5 == 0:
            journal.append_challenges(BASIS, batch.decision_ids, [0.2, 0.3], [False, True], inputs([0.2, 0.3]))
        made += batch.decision_ids
    assert len(segments(folder)) > 3
    assert [record.decision_id for record in JournalReader(folder).decisions()] == made
    assert JournalReader(folder).last_sequence() == journal.last_sequence == 120
    assert holds(folder)
    # Finished segments are one plain file each.
    assert {path.stem for path in folder.glob("*-wal")} == {segments(folder)[-1].stem}
    journal.close()
    again = Journal(folder, SMALL)
    again.open()
    append(again, [0.5])
    again.close()
    assert JournalReader(folder).last_sequence() == 121
    assert holds(folder)


def test_a_reader_does_not_hold_up_a_new_segment(folder: Path) -> None:
    journal = Journal(folder, SMALL)
    journal.open()
    append(journal, [0.1])
    first = segments(folder)[0]
    with reading(first) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM decisions").fetchone()
        while len(segments(folder)) < 3:
            append(journal, [0.1, 0.9], applicant="x" * 2_000)
    assert first.with_name(f"{first.name}-wal").exists()
    while len(segments(folder)) < 4:
        append(journal, [0.1, 0.9], applicant="x" * 2_000)
    assert not first.with_name(f"{first.name}-wal").exists()
    journal.close()
    assert holds(folder)


def test_a_segment_that_cannot_be_begun_makes_the_last_one_longer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its file was made: after a restart the journal must not continue there."""
    journal = Journal(folder, SMALL)
    journal.open()
    with monkeypatch.context() as broken:

        def fail(self: Journal, path: Path) -> None:
            assert path.exists()
            raise sqlite3.OperationalError("database or disk is full")

        broken.setattr(Journal, "_continue", fail)
        for _ in range(60):
            append(journal, [0.1, 0.9], applicant="x" * 2_000)
    journal.close()
    assert len(segments(folder)) == 1
    again = Journal(folder, SMALL)
    again.open()
    append(again, [0.3])
    append(again, [0.4])
    again.close()
    assert len(segments(folder)) == 2
    assert JournalReader(folder).last_sequence() == 122
    assert holds(folder)


def test_of_a_batch_for_which_there_is_no_room_nothing_remains(journal: Journal) -> None:
    append(journal, [0.1, 0.2])
    assert journal._connection is not None
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    other = BASIS.model_copy(update={"policy": "card_default-ffffffffffff"})
    for _ in range(2):
        with pytest.raises(JournalUnavailableError, match="full"):
            append(journal, [0.3] * 500, key=KEY, basis=other)
        with pytest.raises(JournalUnavailableError, match="full"):
            journal.append_challenges(other, ["x"] * 500, [0.1] * 500, [False] * 500, [b"\0" * 8] * 500)
    assert journal.last_sequence == JournalReader(journal.folder).last_sequence() == 2
    assert journal.recall(KEY) is None

    journal._connection.execute("PRAGMA max_page_count = 1000000")
    made = append(journal, [0.3] * 500, key=KEY, basis=other)
    journal.append_challenges(other, made.decision_ids, [0.1] * 500, [False] * 500, [b"\0" * 8] * 500)
    records = list(JournalReader(journal.folder).decisions())
    assert [record.sequence for record in records] == list(range(1, 503))
    assert [record.basis.policy for record in records] == [BASIS.policy] * 2 + [other.policy] * 500
    assert holds(journal.folder)


def test_a_file_that_may_not_grow_refuses_batches_and_takes_them_again_when_it_may(folder: Path) -> None:
    with child("until_full", folder) as process:
        assert process.stdout
        taken, refused = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert refused.startswith("the journal takes no records now: ")
    assert int(taken) > 20
    assert [record.sequence for record in JournalReader(folder).decisions()] == list(range(1, int(taken) + 1))
    assert holds(folder)


def test_what_was_said_to_be_on_disk_survives_a_kill(folder: Path) -> None:
    said: list[str] = []
    for round_ in range(3):
        with child("without_end", folder) as process:
            assert process.stdout
            for _ in range(40 + 7 * round_):
                said += process.stdout.readline().split()
            process.kill()
            for line in process.stdout:
                said += line.split() if line.endswith("\n") else []
        assert process.returncode == -signal.SIGKILL
        # The log is left behind; one who only reads sees what is in it.
        last = segments(folder)[-1]
        assert last.with_name(f"{last.name}-wal").exists()
        found = [record.decision_id for record in JournalReader(folder).decisions()]
        assert set(said) <= set(found)
        assert len(found) - len(said) in {0, 3, 6, 9}
        assert holds(folder)
        assert last.with_name(f"{last.name}-wal").exists()
        said = found


def test_a_reader_sees_what_is_committed_while_a_writer_goes_on(folder: Path) -> None:
    with child("without_end", folder) as process:
        assert process.stdout
        try:
            seen = 0
            for _ in range(30):
                said = process.stdout.readline().split()
                reader = JournalReader(folder)
                assert all(reader.find(name) for name in said)
                more = [record.sequence for record in reader.decisions(after=seen)]
                assert more == list(range(seen + 1, seen + 1 + len(more)))
                seen += len(more)
            assert seen >= 90
            assert process.poll() is None
        finally:
            process.kill()
    assert holds(folder)


def test_a_segment_that_a_killed_process_left_half_changed_can_be_read(folder: Path, tmp_path: Path) -> None:
    journal = Journal(folder, SMALL)
    journal.open()
    while len(segments(folder)) < 3:
        append(journal, [0.1, 0.9], applicant="x" * 2_000)
    journal.close()
    with closing(sqlite3.connect(segments(folder)[0], isolation_level=None)) as connection:
        # So much is changed that some of it is in the file before the end, as when the machine has little memory.
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE batches SET payloads = payloads || payloads")
        shutil.copytree(folder, tmp_path / "killed")
    assert (tmp_path / "killed" / "segment-000001.sqlite-journal").stat().st_size
    assert holds(tmp_path / "killed")
    assert [record.sealed for record in JournalReader(tmp_path / "killed").decisions()] == [
        record.sealed for record in JournalReader(folder).decisions()
    ]


def test_of_two_processes_the_second_is_refused_by_name(folder: Path) -> None:
    with child("without_end", folder) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            with pytest.raises(JournalError) as refused:
                Journal(folder).open()
        finally:
            process.kill()
    assert str(refused.value) == f"another process writes to the journal {folder}; set SCOREBOX_JOURNAL"
    journal = Journal(folder)
    journal.open()
    with pytest.raises(JournalError, match="another process"):
        Journal(folder).open()
    journal.close()


def test_a_closed_journal_takes_nothing(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalUnavailableError, match="closed"):
        append(journal, [0.1])
    with pytest.raises(JournalUnavailableError, match="closed"):
        journal.recall(KEY)


def test_only_the_owner_can_read_it(journal: Journal) -> None:
    append(journal, [0.1])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal.folder.iterdir()}
    assert modes.pop("id") == 0o644, "which says nothing of anybody"
    assert modes == dict.fromkeys(
        ["lock", "segment-000001.sqlite", "segment-000001.sqlite-wal", "segment-000001.sqlite-shm"], 0o600
    )
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(("sync", "level"), [("full", 2), ("normal", 1)])
def test_the_sync_mode_is_as_set(folder: Path, sync: Sync, level: int) -> None:
    journal = Journal(folder, JournalLimits(sync=sync))
    journal.open()
    assert journal._connection is not None
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()


def test_a_folder_that_cannot_be_used_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"cannot be written: .*SCOREBOX_JOURNAL"):
        Journal(tmp_path / "file").open()
    folder.mkdir(parents=True)
    (folder / "segment-000001.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(JournalError, match="is not a segment of a journal"):
        Journal(folder).open()
    (folder / "segment-000001.sqlite").unlink()
    Journal(folder).open()


def test_a_segment_of_another_format_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(schema, "FORMAT", 3)
        journal = Journal(folder)
        journal.open()
        journal.close()
    with pytest.raises(JournalError, match="is of format 3, and this version reads format 2"):
        Journal(folder).open()


def test_retention_removes_whole_old_segments_and_the_rest_verifies(folder: Path) -> None:
    journal = Journal(folder, SMALL)
    journal.open()
    for _ in range(40):
        append(journal, [0.1, 0.9], applicant="x" * 2_000, decided_at="2021-05-05T00:00:00.000+00:00")
    # At each new segment those before it are old already.
    journal.close()
    (left,) = folder.glob("segment*")
    assert left.name > "segment-000003.sqlite"

    again = Journal(folder, SMALL)
    again.open()
    append(again, [0.3, 0.4], decided_at="2021-05-05T00:00:00.000+00:00")
    again.close()
    third = Journal(folder, SMALL)
    third.open()
    assert len(segments(folder)) == 1  # never the newest, though its last decision is old
    third.close()
    first = JournalReader(folder).span().start
    assert first > 2
    assert holds(folder)


def test_retention_keeps_what_is_younger(folder: Path) -> None:
    old, young = "2024-01-31T23:59:59.999+00:00", None
    journal = Journal(folder, JournalLimits(segment_bytes=1 << 17, retention_months=1_200))
    journal.open()
    for decided_at in (old, young):
        count = len(segments(folder))
        while len(segments(folder)) == count:
            append(journal, [0.1, 0.9], applicant="x" * 2_000, decided_at=decided_at)
    append(journal, [0.2])
    journal.close()
    assert len(segments(folder)) == 3
    Journal(folder).open()
    assert [path.name for path in segments(folder)] == ["segment-000002.sqlite", "segment-000003.sqlite"]
    assert holds(folder)


def test_a_key_recalls_the_decisions_of_its_request(folder: Path) -> None:
    journal = Journal(folder, SMALL)
    journal.open()
    append(journal, [0.2])
    made = append(journal, [0.1, 0.9], key=KEY)
    rest = append(journal, [0.4], key=Key(KEY.name, 1, KEY.request_sha256))

    def recalled(part: int = 0) -> list[str]:
        return [record.decision_id for record in journal.recall(Key(KEY.name, part, KEY.request_sha256)) or []]

    assert recalled() == made.decision_ids
    assert recalled(1) == rest.decision_ids
    assert recalled(2) == []
    assert journal.recall(Key("key-2", 0, KEY.request_sha256)) is None
    with pytest.raises(KeyConflictError, match="key-1"):
        journal.recall(Key(KEY.name, 0, b"\2" * 32))

    journal.close()
    journal.open()
    assert recalled() == made.decision_ids
    first = segments(folder)[0]
    while len(segments(folder)) < 3:
        append(journal, [0.1, 0.9], applicant="x" * 2_000)
    assert recalled() == made.decision_ids
    with pytest.raises(KeyConflictError):
        journal.recall(Key(KEY.name, 0, b"\2" * 32))

    # A segment to which nothing was added for longer than keys are remembered is not asked.
    past = time.time() - KEY_SECONDS - 60
    os.utime(first, (past, past))
    assert recalled() == []
    journal.close()
