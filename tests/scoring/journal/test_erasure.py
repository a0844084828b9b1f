"""An applicant's fields leave the journal, its files included; that and how they were decided stays."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import orjson
import pytest

from scoring.journal import schema
from scoring.journal.chain import Chain
from scoring.journal.erasure import begun, erase
from scoring.journal.limits import JournalLimits
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError, reading, segments
from scoring.journal.writer import Journal
from tests.scoring.journal.made_up import BASIS, append, decisions

MARKER = 7_654_321.0
WHO = "client of the name of Marker"
KEY = Key("key-of-marker", 0, b"the hash of Marker's own request")


def traces(folder: Path) -> list[str]:
    """Which of the applicant's fields are in the bytes of which file."""
    sought = {
        "fields": b"[7654321,",
        "number": np.float32(MARKER).tobytes().hex().encode(),
        "applicant": WHO.encode(),
        "request": KEY.request_sha256,
    }
    return [
        f"{what} in {path.name}"
        for path in sorted(folder.iterdir())
        for what, content in sought.items()
        if content in path.read_bytes()
    ]


def put(journal: Journal, pds: list[float], value: float, applicant: str, key: Key | None = None) -> list[str]:
    made = decisions(pds)
    # Longer than a page: SQLite puts the rest of a row on pages of its own.
    fields = [orjson.dumps([int(value), "." * 6_000]) for pd in pds]
    rows = [np.array([value, pd], dtype="<f4").tobytes() for pd in pds]
    journal.append(made, rows, fields, [RequestOrigin(len(pds), "request-1", applicant, key)])
    journal.append_challenges(BASIS, made.decision_ids, pds, [True] * len(pds), rows)
    return made.decision_ids


@pytest.mark.parametrize("segment_bytes", [1 << 16, 1 << 28], ids=["segments later", "in the same segment"])
def test_a_challenger_s_score_that_comes_after_the_erasure_holds_nothing_of_the_applicant(
    tmp_path: Path, segment_bytes: int
) -> None:
    journal = Journal(tmp_path, JournalLimits(segment_bytes=segment_bytes))
    journal.open()
    names = put(journal, [0.5], MARKER, WHO)
    while segment_bytes < 1 << 20 and len(segments(tmp_path)) < 3:
        put(journal, [0.1] * 20, 1_000.0, "client 1")
    others = put(journal, [0.3], 1_000.0, "client 2")
    assert erase(tmp_path, names) == names
    late = [np.array([MARKER, 0.5], dtype="<f4").tobytes(), np.array([1_000.0, 0.3], dtype="<f4").tobytes()]
    journal.append_challenges(BASIS, [*names, *others], [0.5, 0.3], [True, False], late)
    assert traces(tmp_path) == []
    reader = JournalReader(tmp_path)
    *_, empty, kept = reader.challenges()
    assert (empty.erased, kept.erased) == (True, False)
    chain = Chain(reader)
    links = chain.challenges(range(1, reader.last_challenge() + 1))
    assert [chain.fault(link) for link in links] == [None] * reader.last_challenge()
    journal.close()


@pytest.mark.parametrize("segment_bytes", [1 << 18, 1 << 28], ids=["in finished segments", "in the newest segment"])
def test_nothing_of_what_was_erased_is_left_in_any_file_while_a_writer_goes_on(
    tmp_path: Path, segment_bytes: int
) -> None:
    journal = Journal(tmp_path, JournalLimits(segment_bytes=segment_bytes))
    journal.open()
    # Right at the start, and among many: pages are split and copied.
    names = put(journal, [0.5], MARKER, WHO)
    for number in range(60):
        put(journal, [0.1, 0.9], 1_000.0, f"client {number * 7_919 % 100_003}")
        if number % 20 == 0:
            names += put(journal, [0.2, 0.3], MARKER, WHO, KEY if number == 20 else None)
    assert JournalReader(tmp_path).of_applicant(WHO) == names
    assert traces(tmp_path)

    assert erase(tmp_path, names) == names
    assert traces(tmp_path) == []

    append(journal, [0.4])
    reader = JournalReader(tmp_path)
    assert traces(tmp_path) == []
    assert reader.of_applicant(WHO) == []
    assert [name for name, _ in reader.erasures()] == names
    assert journal.recall(KEY) is None
    for record in reader.decisions():
        assert record.erased is (record.decision_id in names)
        if record.erased:
            assert (record.applicant, record.application, record.inputs) == (None, None, None)
            with pytest.raises(ValueError, match="has been erased"):
                _ = record.values
    assert {challenge.inputs for challenge in reader.challenges_of(names)} == {None}
    chain = Chain(reader)
    assert not any(chain.fault(link) for link in chain.decisions(reader.span()))
    assert not any(chain.fault(link) for link in chain.challenges(reader.challenge_span()))

    journal.close()
    assert traces(tmp_path) == []


def test_only_what_has_a_payload_is_erased(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open()
    first, second = append(journal, [0.1, 0.9]).decision_ids
    assert erase(tmp_path, [second, "another"]) == [second]
    assert erase(tmp_path, [second, first]) == [first]
    journal.close()
    with pytest.raises(JournalError, match="there is no journal in"):
        erase(tmp_path / "nowhere", [first])


def test_a_log_that_is_being_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "WAIT_SECONDS", 0.1)
    journal = Journal(tmp_path)
    journal.open()
    names = append(journal, [0.1, 0.9], applicant=WHO).decision_ids
    with reading(segments(tmp_path)[0]) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM decisions").fetchone()
        with pytest.raises(JournalError, match=r"segment-000001\.sqlite of .* is being read, so its log still holds"):
            erase(tmp_path, names)
    assert begun(tmp_path) == sorted(names)
    assert traces(tmp_path)
    assert stat.S_IMODE((tmp_path / "erasing").stat().st_mode) == 0o600
    # Whatever is erased next.
    assert erase(tmp_path, []) == []
    assert begun(tmp_path) == []
    assert traces(tmp_path) == []
    journal.close()


def test_an_erasure_that_stopped_between_two_segments_is_finished_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the later segment has only what a challenger read for a decision of the earlier one."""
    monkeypatch.setattr(schema, "WAIT_SECONDS", 0.1)
    journal = Journal(tmp_path, JournalLimits(segment_bytes=1 << 16))
    journal.open()
    names = put(journal, [0.5], MARKER, WHO)
    while len(segments(tmp_path)) < 2:
        put(journal, [0.1], 1_000.0, "another")
    row = np.array([MARKER, 0.5], dtype="<f4").tobytes()
    journal.append_challenges(BASIS, names, [0.4], [True], [row])
    put(journal, [0.1], 1_000.0, "another")
    with closing(sqlite3.connect(segments(tmp_path)[1], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="cannot be written: database is locked"):
            erase(tmp_path, names)
    assert JournalReader(tmp_path).of_applicant(WHO) == []
    assert row in segments(tmp_path)[1].with_suffix(".sqlite-wal").read_bytes()
    assert erase(tmp_path, ["another's"]) == []
    assert traces(tmp_path) == []
    assert not [path for path in tmp_path.iterdir() if row in path.read_bytes()]
    journal.close()
