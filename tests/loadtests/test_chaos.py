"""Chaos audits a journal: tried with journals that are not what they should be."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtests.chaos.__main__ import markdown
from loadtests.chaos.callers import Callers, Memory, Received, Traffic
from loadtests.chaos.ground import Outcome
from loadtests.chaos.ledger import Audit, audit
from loadtests.server import free_port
from scoring.decision import Decisions
from scoring.journal.writer import Journal
from tests.loadtests.test_client import MakeStub, answer
from tests.scoring.journal import forged
from tests.scoring.journal.made_up import append

PDS = (0.1, 0.3, 0.2, 0.4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def told(folder: Path) -> list[Received]:
    """Return what clients have of a journal of four decisions."""
    journal = Journal(folder)
    journal.open()
    found = received(append(journal, PDS[:2])) + received(append(journal, PDS[2:]))
    journal.close()
    return found


def received(made: Decisions) -> list[Received]:
    return [Received(name, pd) for name, pd in zip(made.decision_ids, made.pd.tolist(), strict=True)]


def faults(folder: Path, told: Sequence[Received]) -> dict[str, int]:
    return dict(audit(folder, told, replay=False).faults)


def test_a_journal_that_has_everything_holds(folder: Path, told: list[Received]) -> None:
    found = audit(folder, [*told, told[0]], replay=False)
    assert found.holds
    assert str(found) == "4 decisions received, 4 in the journal, each once and to the same bits"


def test_an_answer_without_a_record_is_a_fault(folder: Path, told: list[Received]) -> None:
    assert faults(folder, [*told, Received("another", 0.5)]) == {"answered and not in the journal": 1}


def test_another_pd_than_was_told_is_a_fault(folder: Path, told: list[Received]) -> None:
    assert faults(folder, [Received(told[0].decision_id, 0.11), *told[1:]]) == {"told with another PD": 1}
    assert faults(folder, [*told, Received(told[1].decision_id, 0.11)]) == {"told with two PDs": 1}


def test_a_changed_record_is_a_fault(folder: Path, told: list[Received]) -> None:
    forged.change(folder, [2], "points", lambda points: points + 1)
    assert faults(folder, told) == {"not what was sealed": 1}


def test_a_record_that_was_taken_out_is_a_fault(folder: Path, told: list[Received]) -> None:
    forged.take_out(folder, [2])
    assert faults(folder, told) == {"missing in the chain": 1, "answered and not in the journal": 1}


def test_callers_write_down_what_becomes_of_every_request(make_stub: MakeStub) -> None:
    bodies = iter([
        answer(body=b'{"decision_id": "one", "pd": 0.25}'),
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        answer("503 Service Unavailable"),
        answer("500 Internal Server Error"),
    ])  # fmt: skip

    def reply(connection: socket.socket) -> None:
        if not stub.requests[-1].endswith(b"}"):
            return  # The head, whose body follows.
        content = next(bodies, None)
        if content is None:
            callers.stop()
            raise OSError
        connection.sendall(content)

    stub = make_stub(reply)
    callers = Callers(stub.port, Traffic([{"x": 1}], keyed_share=1.0), 1)
    with callers.calling() as memory:
        assert callers.wait_until(lambda memory: len(memory.unanswered) == 1)
    assert list(memory.received()) == [Received("one", 0.25)]
    assert memory.refused == 1
    assert memory.wrong == {"status 503": 1, "status 500": 1}
    assert b"Idempotency-Key: " in stub.requests[0]


def test_callers_count_refused_connections() -> None:
    callers = Callers(free_port(), Traffic([{"x": 1}]), 2)
    with callers.calling():
        assert callers.wait_until(lambda memory: memory.refused_connections > 3)
    assert callers.memory.answers == 0


def test_the_same_seed_sends_the_same_bodies() -> None:
    traffic = Traffic([{"x": number} for number in range(9)], batch_share=0.5, rows=4)
    first, second = traffic.requests(1), traffic.requests(1)
    sent = [next(first) for _ in range(20)]
    assert sent == [next(second) for _ in range(20)]
    assert {(one.path, one.rows) for one in sent} == {("/predict", 1), ("/predict_batch", 4)}


def test_the_page_says_what_does_not_hold() -> None:
    outcomes = [
        Outcome("a", "once", "b", "c", sound=True),
        Outcome("d", "twice", "e", "f", sound=False),
        Outcome("g", "thrice", "h", "i", sound=True, in_time=False),
    ]
    page = markdown(outcomes, {"Date": "2026-01-01"}, "make chaos")
    assert "1 of 3 hold" in page
    assert "| a | once | b | c | holds |" in page
    assert "| d | twice | e | f | does not hold |" in page
    assert "| g | thrice | h | i | too slow |" in page
    assert "| Date | 2026-01-01 |" in page


def test_an_audit_says_what_is_wrong() -> None:
    found = Audit(received=2, kept=1)
    found.faults["answered and not in the journal"] = 1
    assert str(found) == "2 decisions received, 1 in the journal, WRONG: 1 answered and not in the journal"
    assert Memory().rows == 0
