"""The chain of a journal shows what is missing or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoring.journal.batch import opening_of
from scoring.journal.chain import Chain
from scoring.journal.erasure import erase
from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.record import seal
from scoring.journal.schema import segments
from scoring.journal.writer import Journal
from tests.scoring.journal import forged
from tests.scoring.journal.made_up import BASIS, append

PDS = [0.1, 0.3, 0.2, 0.6, 0.05]


def faults(folder: Path) -> list[tuple[int, str]]:
    """The sequences at which something is wrong, and what."""
    reader = JournalReader(folder)
    chain = Chain(reader)
    found = [(link.sequence, chain.fault(link)) for link in chain.decisions(reader.span())]
    return [(sequence, fault.value) for sequence, fault in found if fault is not None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal of five decisions and two challenges."""
    journal = Journal(tmp_path / "journal")
    journal.open()
    made = append(journal, PDS, applicant="client-7")
    journal.append_challenges(BASIS, made.decision_ids[:2], [0.2, 0.4], [False, True], [b"\0" * 8, b"\1" * 8])
    journal.close()
    return tmp_path / "journal"


@pytest.fixture
def rotated(tmp_path: Path) -> Path:
    """A journal of 90 decisions in several segments."""
    journal = Journal(tmp_path / "journal", JournalLimits(segment_bytes=1 << 17))
    journal.open()
    for _ in range(30):
        append(journal, [0.1, 0.2, 0.9], applicant="x" * 4_000)
    journal.close()
    assert len(segments(tmp_path / "journal")) > 3
    return tmp_path / "journal"


def test_an_untouched_chain_has_no_fault(folder: Path, rotated: Path) -> None:
    assert faults(folder) == []
    assert faults(rotated) == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("sequence", "3"), ("decision_id", "another"), ("decision_id", None), ("request_id", "request-2"), ("pd", 0.11),
        ("pd", "much"), ("declined", True), ("points", 601), ("band", "B"), ("thin", False), ("reasons", ["DELAYS"]),
        ("reasons", None), ("contributions", "0000c03f000000bf"), ("contributions", "00"), ("contributions", 7),
        ("payload_sha256", "00"), ("payload_sha256", None), ("salt", "00"), ("salt", None), ("inputs", "00"),
        ("inputs", None), ("applicant", "client-8"), ("applicant", None), ("applicant", 7), ("application", []),
        ("application", None),
    ],
)  # fmt: skip
def test_whatever_is_changed_in_a_record_shows_at_its_place(folder: Path, member: str, value: object) -> None:
    forged.change(folder, [3], member, value)
    assert faults(folder) == [(3, "tampered record")]


def test_a_payload_that_is_emptied_without_an_erasure_shows_at_its_place(folder: Path) -> None:
    forged.empty(folder, [3])
    assert faults(folder) == [(3, "tampered record")]


@pytest.mark.parametrize(
    "assignment",
    [
        "decided_at = '2020-01-01'", "basis = 9", "proofs = x'00'", "records = ''", "records = '[]'",
        "payloads = ''",
    ],
)  # fmt: skip
def test_what_is_changed_in_a_batch_shows_in_every_record_of_it(folder: Path, assignment: str) -> None:
    forged.statement(folder, f"UPDATE batches SET {assignment}")
    assert faults(folder) == [(sequence, "tampered record") for sequence in range(1, 6)]


@pytest.mark.parametrize(
    "content",
    [BASIS.model_copy(update={"cutoff": 0.9}).model_dump_json(), "{}", BASIS.model_dump_json(indent=1)],
    ids=["another cut-off", "no basis", "spaces"],
)
def test_a_changed_basis_shows_in_every_record_of_it(folder: Path, content: str) -> None:
    forged.statement(folder, "UPDATE bases SET content = ?", content)
    assert faults(folder) == [(sequence, "tampered record") for sequence in range(1, 6)]


def test_a_record_with_a_new_proof_of_its_own_breaks_the_chain_behind_it(folder: Path) -> None:
    reader = JournalReader(folder)
    (link,) = Chain(reader).decisions([3])
    assert link.record
    assert link.previous
    record, previous = link.record, link.previous
    opening = opening_of(record.decided_at, record.basis_sha256)
    forged.change(folder, [3], "pd", 0.9)
    forged.give_proof(folder, 3, lambda line: seal(previous, opening + line))
    assert faults(folder) == [(4, "tampered record")]


def test_missing_records_show_and_those_behind_them_are_trusted_again(folder: Path) -> None:
    forged.take_out(folder, [2, 3])
    assert faults(folder) == [(2, "missing record"), (3, "missing record")]


def test_records_that_are_exchanged_show(folder: Path) -> None:
    forged.change(folder, [2, 3], "sequence", {2: 3, 3: 2}.get)
    assert faults(folder) == [(2, "tampered record"), (3, "tampered record"), (4, "tampered record")]


def test_the_end_and_the_whole_of_a_segment_that_are_missing_show(rotated: Path) -> None:
    second, third, *_ = [start[1] for start in JournalReader(rotated).starts()[1:]]
    forged.take_out(rotated, [second - 1])
    assert faults(rotated) == [(second - 1, "missing record")]
    segments(rotated)[1].unlink()
    assert faults(rotated) == [(sequence, "missing record") for sequence in range(second - 1, third)]


def test_a_record_in_another_segment_than_its_own_is_a_stray(rotated: Path) -> None:
    assert JournalReader(rotated).strays() == 0
    forged.statement(rotated, "UPDATE batches SET first = first + 9999, last = last + 9999 WHERE first = 1")
    forged.change(rotated, [1, 2, 3], "sequence", lambda sequence: sequence + 9_999)
    assert JournalReader(rotated).strays() == 3
    assert faults(rotated) == [(sequence, "missing record") for sequence in (1, 2, 3)]


def test_a_record_in_another_batch_than_its_own_is_a_stray(rotated: Path) -> None:
    forged.change(rotated, [5], "sequence", 2)
    assert JournalReader(rotated).strays() == 1
    assert faults(rotated) == [(5, "missing record")]


def test_a_segment_of_another_journal_shows(rotated: Path, tmp_path: Path) -> None:
    other = Journal(tmp_path / "other", JournalLimits(segment_bytes=1 << 17))
    other.open()
    for _ in range(30):
        append(other, [0.1, 0.2, 0.9], applicant="x" * 4_000)
    other.close()
    first = JournalReader(rotated).starts()[1][1]
    segments(tmp_path / "other")[1].replace(segments(rotated)[1])
    found = faults(rotated)
    assert [sequence for sequence, _ in found] == [first, JournalReader(rotated).starts()[2][1]]
    assert {fault for _, fault in found} == {"tampered record"}


def test_single_places_are_judged_by_the_record_before_them(rotated: Path) -> None:
    second = JournalReader(rotated).starts()[1][1]
    chain = Chain(JournalReader(rotated))
    places = [1, 2, second - 1, second, second + 1, 90]
    links = list(chain.decisions(places))
    assert [link.sequence for link in links] == places
    assert [chain.fault(link) for link in links] == [None] * len(places)
    (beyond,) = chain.decisions([91])
    assert chain.fault(beyond) == "missing record"


def test_challenges_have_a_chain_of_their_own(folder: Path) -> None:
    reader = JournalReader(folder)
    chain = Chain(reader)
    assert [chain.fault(link) for link in chain.challenges(reader.challenge_span())] == [None, None]
    forged.statement(folder, "UPDATE challenges SET pd = 0.5 WHERE sequence = 2")
    assert [chain.fault(link) for link in chain.challenges(reader.challenge_span())] == [None, "tampered record"]
    assert faults(folder) == []


def test_an_erased_record_keeps_its_place_in_the_chain(folder: Path) -> None:
    reader = JournalReader(folder)
    chain = Chain(reader)
    names = [record.decision_id for record in reader.decisions()]
    assert erase(folder, names[:1]) == names[:1]
    assert faults(folder) == []
    # Also for one who began to read before.
    assert [chain.fault(link) for link in chain.decisions(reader.span())] == [None] * 5
    assert [chain.fault(link) for link in chain.challenges(reader.challenge_span())] == [None, None]


def test_a_proof_is_found_by_its_sequence(rotated: Path) -> None:
    records = {record.sequence: record.proof for record in JournalReader(rotated).decisions()}
    second = JournalReader(rotated).starts()[1][1]
    segments(rotated)[0].unlink()
    chain = Chain(JournalReader(rotated))
    for sequence in (second - 1, second, 90):
        assert chain.proof_at(sequence) == records[sequence]
    assert chain.proof_at(second - 2) is None
    assert chain.proof_at(91) is None


def test_a_span_is_bounded_by_times(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JournalLimits(segment_bytes=1 << 17))
    journal.open()
    for day in range(1, 21):
        append(journal, [0.1, 0.2], applicant="x" * 4_000, decided_at=f"2026-03-{day:02}T12:00:00.000+00:00")
    journal.close()
    reader = JournalReader(tmp_path)
    assert reader.span() == range(1, 41)
    assert reader.span(since="2026-03-02", until="2026-03-04") == range(3, 7)
    assert reader.span(since="2026-03-20") == range(39, 41)
    assert reader.span(until="2026-03-02") == range(1, 3)
    assert len(reader.span(since="2026-04-01")) == 0
    assert len(reader.span(until="2026-03-01")) == 0
    assert len(reader.span(since="2026-03-05", until="2026-03-05")) == 0
