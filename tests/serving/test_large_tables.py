"""Tables of several batches: decided in turn, refused before they are late, and never half decided without a word."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.writer import Journal
from tests.serving.conftest import Service, startup_config
from tests.serving.test_arrow import STREAM, stream_of, table_of
from tests.serving.toy import SCORECARD

pytestmark = pytest.mark.anyio

ROWS = 60
OUTCOME = {"decision_id": "a", "defaulted": 1, "observed_on": "2026-09-30"}
BODY = stream_of(table_of([dict(SCORECARD.example)] * ROWS))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal", JournalLimits("normal"))
    made.open()
    return made


@pytest.fixture
def make(make_service: Callable[..., Service], journal: Journal) -> Callable[..., Service]:
    def made(kept: Journal = journal, **settings: Any) -> Service:
        return make_service(startup_config(journal=kept, **({"max_batch_size": 5} | settings)))

    return made


async def send(service: Service, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.client.post("/predict_batch", content=BODY, headers={"content-type": STREAM} | named)


def requests_of(journal: Journal) -> list[tuple[str, int]]:
    """The request ids of the decisions in their order, each with how many decisions in a row are its own."""
    records = JournalReader(journal.folder).decisions()
    return [(name, len(list(found))) for name, found in groupby(records, key=lambda record: record.request_id)]


async def test_tables_that_come_together_are_decided_one_after_the_other(
    make: Callable[..., Service], journal: Journal
) -> None:
    service = make()
    answers = await asyncio.gather(*(send(service, x_request_id=f"r-{number}") for number in range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert requests_of(journal) == [(f"r-{number}", ROWS) for number in range(3)]


async def test_an_application_is_decided_between_the_parts_of_a_table(
    make: Callable[..., Service], journal: Journal, example: dict[str, Any]
) -> None:
    service = make(max_batch_size=1)
    table = asyncio.create_task(send(service, x_request_id="table"))
    while not list(JournalReader(journal.folder).decisions()):  # noqa: ASYNC110  # the journal tells nobody
        await asyncio.sleep(0)
    alone = await service.client.post("/predict", json=example, headers={"X-Request-ID": "alone"})
    assert alone.status_code == 200
    assert (await table).status_code == 200
    assert ("alone", 1) in requests_of(journal)[1:-1]


async def test_a_table_that_would_be_late_is_refused_before_any_of_it_is_decided(
    make: Callable[..., Service], journal: Journal, example: dict[str, Any]
) -> None:
    service = make()
    # As slow as no machine is: a minute is left, and a row takes an hour.
    service.core._models.traffic_split.champion._turns.measure(1, 3600.0)
    answer = await send(service)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["detail"] == (
        "the service is overloaded: 60 rows would not be in time as fast as rows are decided now; send fewer at once"
    )
    assert list(JournalReader(journal.folder).decisions()) == []
    few = await service.client.post("/predict_batch", json={"applications": [example] * 5})
    assert few.status_code == 200


async def test_a_table_behind_others_is_told_when_to_come_back(make: Callable[..., Service], journal: Journal) -> None:
    service = make()
    turns = service.core._models.traffic_split.champion._turns
    turns.measure(1, 0.5)
    async with turns.turn(80, float("inf")):
        answer = await send(service)
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["retry-after"]) <= 40
    assert answer.json()["detail"] == (
        "the service is overloaded: 80 rows of others come first, and 60 more would not be in time; "
        "send them again later"
    )
    assert list(JournalReader(journal.folder).decisions()) == []


def held(journal: Journal) -> sqlite3.Connection:
    """Take the lock of the journal's file, as a slow disk would: nothing is written until it is given back."""
    (segment,) = journal.folder.glob("*.sqlite")
    holder = sqlite3.connect(segment, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    return holder


async def test_after_a_504_the_same_key_gets_what_was_decided_and_the_rest(
    make: Callable[..., Service], journal: Journal
) -> None:
    impatient = make(request_timeout=0.5)
    holder = held(journal)
    late = await send(impatient, idempotency_key="table-1", x_request_id="first")
    assert late.status_code == 504
    assert late.json()["detail"] == (
        "the request was not answered within 0.5 s; decisions of it may have been made and kept: the same request "
        "under the same Idempotency-Key gets those and the rest"
    )
    holder.execute("ROLLBACK")
    holder.close()
    # What was being decided is kept, though nobody waits for it any more.
    await impatient.core.close()
    assert requests_of(journal) == [("first", 5)]
    again = Journal(journal.folder)
    again.open()
    patient = make(again)
    # Slow or not: of what is begun each part counts.
    patient.core._models.traffic_split.champion._turns.measure(1, 3600.0)
    answers = [await send(patient, idempotency_key="table-1", x_request_id="second") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert requests_of(again) == [("first", 5), ("second", ROWS - 5)]
    kept = [record.decision_id for record in JournalReader(again.folder).decisions()]
    assert [decision["decision_id"] for decision in answers[0].json()["decisions"]] == kept


async def test_a_disk_that_fills_up_in_the_middle_is_not_said_to_have_kept_nothing(
    make: Callable[..., Service], journal: Journal
) -> None:
    service = make(max_batch_size=20)
    assert journal._connection is not None
    (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
    journal._connection.execute(f"PRAGMA max_page_count = {pages + 8}")
    answer = await send(service, idempotency_key="table-2")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    kept = len(list(JournalReader(journal.folder).decisions()))
    assert 0 < kept < ROWS
    assert answer.json()["detail"].endswith(
        "; decisions of its first rows are made and kept: the same request under the same Idempotency-Key gets those "
        "and the rest"
    )
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    assert (await send(service, idempotency_key="table-2")).status_code == 200
    assert len(list(JournalReader(journal.folder).decisions())) == ROWS


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/predict", dict(SCORECARD.example), "decisions of it may have been made and kept"),
        ("/outcomes", {"outcomes": [OUTCOME]}, "outcomes of it may have been recorded: send it again"),
    ],
)
async def test_a_504_says_what_may_have_been_done(
    make: Callable[..., Service], journal: Journal, monkeypatch: pytest.MonkeyPatch, path: str, body: Any, words: str
) -> None:
    service = make(request_timeout=0.1)

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    for name in ("predict", "outcomes"):
        monkeypatch.setattr(service.core, name, never)
    answer = await service.client.post(path, json=body)
    assert answer.status_code == 504
    assert words in answer.json()["detail"]
