"""POST /outcomes: labels for decisions that this service made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scoring.journal.writer import Journal
from scoring.outcomes.store import FILE, Outcomes
from tests.serving.conftest import Service, startup_config

pytestmark = pytest.mark.anyio

TODAY = datetime.now(UTC).date()
LATER = TODAY.isoformat()


@pytest.fixture
def kept(make_service: Callable[..., Service], tmp_path: Path) -> Service:
    """A service with a journal."""
    service = make_service(startup_config(journal=Journal(tmp_path / "journal"), max_batch_rows=5))
    service.core.open()
    return service


def outcome(name: str, label: Any = 1, day: Any = LATER) -> dict[str, Any]:
    return {"decision_id": name, "defaulted": label, "observed_on": day}


async def decide(service: Service, example: dict[str, Any], rows: int) -> list[str]:
    answer = await service.client.post("/predict_batch", json={"applications": [example] * rows})
    return [decision["decision_id"] for decision in answer.json()["decisions"]]


async def test_each_outcome_that_was_not_recorded_is_named_by_its_place(
    kept: Service, example: dict[str, Any], tmp_path: Path
) -> None:
    first, second = await decide(kept, example, 2)
    rows = [outcome(first), outcome(first), outcome(first, 0), outcome("nobody"), outcome(second, 0, "2020-01-01")]
    answer = await kept.client.post("/outcomes", json={"outcomes": rows}, headers={"X-Request-ID": "matured-1"})
    assert answer.status_code == 200
    assert answer.json() == {
        "recorded": 1,
        "repeated": 1,
        "conflicting": 1,
        "unknown": 1,
        "early": 1,
        "rows": [
            {"index": 1, "decision_id": first, "result": "repeated"},
            {"index": 2, "decision_id": first, "result": "conflicting"},
            {"index": 3, "decision_id": "nobody", "result": "unknown"},
            {"index": 4, "decision_id": second, "result": "early"},
        ],
    }
    store = Outcomes(tmp_path / "journal")
    assert store.labels() == {first: 1}
    assert store.kept("recorded")[0].outcome.source == "request matured-1"
    assert kept.log()[-1]["rows"] == 5


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"outcomes": [outcome("a"), outcome("b", 2)]}, [("outcomes.1.defaulted", "less_than_equal")]),
        ({"outcomes": [outcome("a", True)]}, [("outcomes.0.defaulted", "int_type")]),
        ({"outcomes": [outcome("a", 1, "2026-13-01")]}, [("outcomes.0.observed_on", "date_parsing")]),
        ({"outcomes": [outcome("a", 1, "1759276800")]}, [("outcomes.0.observed_on", "date_parsing")]),
        ({"outcomes": [outcome("a", 1, "yesterday")]}, [("outcomes.0.observed_on", "date_parsing")]),
        ({"outcomes": [outcome("a", 1, 20260930)]}, [("outcomes.0.observed_on", "date_type")]),
        ({"outcomes": [outcome("")]}, [("outcomes.0.decision_id", "string_too_short")]),
        ({"outcomes": [outcome("a") | {"why": 1}]}, [("outcomes.0.why", "extra_forbidden")]),
        ({"outcomes": [{str(i): i for i in range(1_000)}]}, [("outcomes.0", "too_long")]),
        ({"outcomes": [outcome("a")] * 6}, [("outcomes", "too_long")]),
        ({"outcomes": []}, [("outcomes", "too_short")]),
        ({}, [("outcomes", "missing")]),
    ],
)
async def test_a_broken_body_is_refused_by_field_and_rule_and_nothing_of_it_kept(
    kept: Service, body: dict[str, Any], errors: list[tuple[str, str]], tmp_path: Path
) -> None:
    answer = await kept.client.post("/outcomes", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(error["field"], error["rule"]) for error in answer.json()["errors"]] == errors
    assert not (tmp_path / "journal" / FILE).exists()


@pytest.mark.parametrize(
    "form",
    [
        "{day}", "{basic}", "{week}", "{ordinal}", "{day} 00:00:00", "{day}T00:00:00", "{day}t23:59:60z", "{day}T10:00",
        "{basic}T100000Z", "{day}T23:59:59.999999999+14:00", "{day} 00:00:00.000-12:00",
    ],
)  # fmt: skip
async def test_a_date_may_be_any_of_iso_8601(kept: Service, example: dict[str, Any], tmp_path: Path, form: str) -> None:
    (name,) = await decide(kept, example, 1)
    written = form.format(
        day=TODAY.isoformat(), basic=f"{TODAY:%Y%m%d}", week=f"{TODAY:%G-W%V-%u}", ordinal=f"{TODAY:%Y-%j}"
    )
    answer = await kept.client.post("/outcomes", json={"outcomes": [outcome(name, 1, written)]})
    assert answer.json()["recorded"] == 1
    (recorded,) = Outcomes(tmp_path / "journal").kept("recorded")
    assert recorded.outcome.observed_on == TODAY.isoformat()


async def test_a_day_of_grace_is_for_time_zones_and_the_future_is_refused(
    kept: Service, example: dict[str, Any], tmp_path: Path
) -> None:
    def day(days: int) -> str:
        # A day from midnight: the test may begin before it and end after.
        return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()

    names = await decide(kept, example, 3)
    rows = [outcome(name, 1, day(days)) for name, days in zip(names, (1, -1, -3), strict=True)]
    answer = await kept.client.post("/outcomes", json={"outcomes": rows})
    assert (answer.json()["recorded"], answer.json()["early"]) == (2, 1)
    for later in (3, 36_500):
        answer = await kept.client.post("/outcomes", json={"outcomes": [outcome(names[2], 1, day(later))]})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"field": "outcomes.0.observed_on", "rule": "date_past", "message": "Date should not be in the future"}
        ]
    assert len(Outcomes(tmp_path / "journal").labels()) == 2


@pytest.mark.parametrize("form", ["{upper}", "{{{lower}}}", "urn:uuid:{upper}", "{digits}"])
async def test_an_id_may_be_written_in_any_form_of_a_uuid(
    kept: Service, example: dict[str, Any], tmp_path: Path, form: str
) -> None:
    (name,) = await decide(kept, example, 1)
    written = form.format(upper=name.upper(), lower=name, digits=name.replace("-", ""))
    answer = await kept.client.post("/outcomes", json={"outcomes": [outcome(written), outcome(name)]})
    assert answer.json()["rows"] == [{"index": 1, "decision_id": name, "result": "repeated"}]
    assert Outcomes(tmp_path / "journal").labels() == {name: 1}


async def test_no_json_and_other_types_are_refused(kept: Service) -> None:
    json = {"content-type": "application/json"}
    assert (await kept.client.post("/outcomes", content=b'{"outcomes": [}', headers=json)).status_code == 400
    assert (
        await kept.client.post("/outcomes", content=b"a,b", headers={"content-type": "text/csv"})
    ).status_code == 415
    assert (await kept.client.get("/outcomes")).status_code == 405


async def test_without_a_journal_there_is_nothing_to_label(service: Service) -> None:
    answer = await service.client.post("/outcomes", json={"outcomes": [outcome("a")]})
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the journal is off, so there are no decisions that outcomes could be of"


async def test_a_store_that_fails_is_said_to_and_decisions_go_on(
    kept: Service, example: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "journal" / FILE).write_bytes(b"no database" * 100)
    answer = await kept.client.post("/outcomes", json={"outcomes": [outcome("a")]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == "the outcomes cannot be kept now; send them again later"
    assert await decide(kept, example, 1)
