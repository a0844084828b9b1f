"""Champion and challenger behind the doors: who decides, who looks on, and how a share is lost."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inline_snapshot import snapshot

from scoring.challenger.challenge import place
from scoring.challenger.guard import LEAST
from scoring.graph import Inputs
from scoring.history.opening import open_history
from scoring.journal.reader import JournalReader
from scoring.journal.writer import Journal
from scoring.models import StoredModel
from serving.startup import LoadedModel, StartupConfig
from tests import histories
from tests.serving import test_thin_files as thin_files
from tests.serving.challenged import (
    CHALLENGER,
    CHAMPION,
    Stubborn,
    applicant,
    applications,
    challenge,
    opened,
    stubborn,
    with_challenger,
)
from tests.serving.conftest import Service, startup_config
from tests.serving.test_arrow import post, stream_of, table_of
from tests.serving.test_metrics import exposed, growth
from tests.serving.toy import COLUMNS, stored

pytestmark = pytest.mark.anyio

OLD, NEW = CHAMPION.record.tag, CHALLENGER.record.tag
TOKEN = "a-token-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
Make = Callable[..., Service]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return opened(tmp_path / "journal")


@pytest.fixture
def held() -> Iterator[tuple[StoredModel, Stubborn]]:
    model, graph = stubborn()
    yield model, graph
    graph.go.set()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    return caplog


async def predict(service: Service, body: dict[str, Any], name: str | None = None, **headers: str) -> dict[str, Any]:
    if name is not None:
        headers["Applicant-ID"] = name
    response = await service.client.post("/predict", json=body, headers=headers)
    assert response.status_code == 200, response.text
    decision: dict[str, Any] = response.json()
    return decision


def bits(model: StoredModel, inputs: bytes | None) -> float:
    """Return what the model makes of a row that the journal holds."""
    assert inputs is not None
    return float(model.graph.score(Inputs(np.frombuffer(inputs, dtype="<f4").reshape(1, -1)))[0])


async def test_a_shadow_is_journaled_next_to_the_champion_and_is_never_in_an_answer(
    make_service: Make, journal: Journal
) -> None:
    service = make_service(with_challenger(journal, 0.0))
    rows = applications(30)
    before = await exposed(service)
    answers = [await predict(service, row) for row in rows[:10]]
    batch = (await service.client.post("/predict_batch", json={"applications": rows[10:]})).json()
    answers += batch["decisions"]
    assert {answer["model"] for answer in answers} == {OLD}
    await service.core.close()
    reader = JournalReader(journal.folder)
    decisions, challenges = list(reader.decisions()), list(reader.challenges())
    ids = [answer["decision_id"] for answer in answers]
    assert [record.decision_id for record in decisions] == ids
    assert [record.decision_id for record in challenges] == ids
    assert [record.pd for record in decisions] == [answer["pd"] for answer in answers]
    for decision, other in zip(decisions, challenges, strict=True):
        assert (decision.basis.model, other.basis.model) == (OLD, NEW)
        assert bits(CHAMPION, decision.inputs) == decision.pd
        assert bits(CHALLENGER, other.inputs) == other.pd > decision.pd
        assert other.declined == (other.pd >= other.basis.cutoff)
    assert growth(before, await exposed(service), "scorebox_challenges_total") == {"{outcome=scored}": 30}


async def test_a_shadow_that_hangs_fails_or_is_behind_changes_no_answer(
    make_service: Make, journal: Journal, held: tuple[StoredModel, Stubborn], tmp_path: Path
) -> None:
    model, graph = held
    alone = make_service(startup_config(journal=opened(tmp_path / "alone")))
    service = make_service(with_challenger(journal, 0.0, model=model, max_arrow_rows=100_000))
    rows = applications(600)
    expected = [(await predict(alone, row))["pd"] for row in rows[:50]]
    before = await exposed(service)
    graph.go.clear()
    assert [(await predict(service, row))["pd"] for row in rows[:50]] == expected
    for _ in range(20):
        response = await service.client.post("/predict_batch", json={"applications": rows})
        assert response.status_code == 200
    graph.go.set()
    await asyncio.to_thread(service.core._models.traffic_split.challenger.shadow.close)  # type: ignore[union-attr]
    seen = growth(before, await exposed(service), "scorebox_challenges_total")
    assert sum(seen.values()) == 50 + 20 * 600
    assert seen["{outcome=dropped}"] >= 2_000
    kept = len(list(JournalReader(journal.folder).challenges()))
    assert kept == seen["{outcome=scored}"]


async def test_a_shadow_that_raises_changes_no_answer(
    make_service: Make, journal: Journal, held: tuple[StoredModel, Stubborn], logged: pytest.LogCaptureFixture
) -> None:
    model, graph = held
    service = make_service(with_challenger(journal, 0.0, model=model))
    before = await exposed(service)
    graph.broken = True
    answers = [await predict(service, row) for row in applications(10)]
    assert {answer["model"] for answer in answers} == {OLD}
    await service.core.close()
    assert growth(before, await exposed(service), "scorebox_challenges_total") == {"{outcome=failed}": 10}
    assert f"the shadow of {NEW} failed: RuntimeError" in logged.text
    assert "120000" not in logged.text


async def test_an_applicant_is_always_on_the_same_side_alone_and_in_batches(
    make_service: Make, journal: Journal
) -> None:
    service = make_service(with_challenger(journal, 0.3))
    rows = applications(60)
    alone = [await predict(service, row) for row in rows]
    models = [answer["model"] for answer in alone]
    assert {OLD, NEW} == set(models)
    for some in (slice(None), slice(5, 25), slice(30, 31)):
        batch = (await service.client.post("/predict_batch", json={"applications": rows[some]})).json()["decisions"]
        assert [decision["model"] for decision in batch] == models[some]
        assert [decision["pd"] for decision in batch] == [answer["pd"] for answer in alone[some]]
    await service.core.close()
    reader = JournalReader(journal.folder)
    by = {record.decision_id: record.basis.model for record in reader.decisions()}
    others = {record.decision_id: record.basis.model for record in reader.challenges()}
    assert by.keys() == others.keys()
    assert all({by[name], others[name]} == {OLD, NEW} for name in by), "who does not decide looks on"


async def test_the_name_of_an_applicant_counts_before_what_was_sent(make_service: Make, journal: Journal) -> None:
    service = make_service(with_challenger(journal, 0.2))
    rows = applications(6)
    for challengers, model in ((True, NEW), (False, OLD)):
        name = applicant(0.2, challengers=challengers)
        assert {(await predict(service, row, name))["model"] for row in rows} == {model}


async def test_the_scorecard_s_key_names_an_applicant(make_service: Make, journal: Journal, tmp_path: Path) -> None:
    card = histories.SCORECARD
    history = open_history(str(histories.filled(tmp_path)), card, histories.READ)
    made = thin_files.startup_config(history)
    record = made.champion.model.record.model_copy(update={"version": "2"})
    sent = challenge(0.5, model=replace(made.champion.model, record=record), scorecard=card.name)
    other = LoadedModel(replace(made.champion.model, record=record), history)
    service = make_service(replace(made, journal=journal, challenger=(sent, other)))
    example = dict(card.example)
    models = []
    for client in range(1, 21):
        # Whatever else is sent, it is the same client.
        answers = [await predict(service, example | {"CLIENT": client, "INCOME": income}) for income in (1e4, 2e4, 3e4)]
        assert len({answer["model"] for answer in answers}) == 1
        models.append(answers[0]["model"])
    expected = [place(card.name, str(client).encode()) < 0.5 for client in range(1, 21)]
    assert [model == record.tag for model in models] == expected


async def test_tables_and_batches_under_a_key_are_the_champion_s(make_service: Make, journal: Journal) -> None:
    service = make_service(with_challenger(journal, 0.5))
    body, headers = {"applications": applications(40)}, {"Idempotency-Key": "k-1"}
    first = (await service.client.post("/predict_batch", json=body, headers=headers)).json()
    assert {decision["model"] for decision in first["decisions"]} == {OLD}
    assert (await service.client.post("/predict_batch", json=body, headers=headers)).json() == first
    table = stream_of(table_of(applications(40)))
    by_table = (await post(service, table)).json()["decisions"]
    assert {decision["model"] for decision in by_table} == {OLD}


async def test_what_the_challenger_fails_the_champion_decides_and_no_client_sees_it(
    make_service: Make,
    journal: Journal,
    held: tuple[StoredModel, Stubborn],
    example: dict[str, Any],
    logged: pytest.LogCaptureFixture,
) -> None:
    model, graph = held
    service = make_service(with_challenger(journal, 0.5, model=model))
    rows = applications(12)
    expected = [(await predict(service, row))["model"] for row in rows]
    before = await exposed(service)
    graph.broken = True
    batch = (await service.client.post("/predict_batch", json={"applications": rows})).json()["decisions"]
    assert [decision["model"] for decision in batch] == [OLD] * 12
    assert set(expected) == {OLD, NEW}
    name = applicant(0.5, challengers=True)
    for _ in range(LEAST - 2):
        assert (await predict(service, example, name))["model"] == OLD
    # Decisions before it failed count too.
    assert service.core.model_info.challenger is not None
    assert service.core.model_info.challenger.withdrawn
    assert growth(before, await exposed(service), "scorebox_challenger_withdrawn_total") == {"{measure=error_share}": 1}
    assert "120000" not in logged.text


async def test_what_the_challenger_leaves_waiting_the_champion_decides(
    make_service: Make, journal: Journal, held: tuple[StoredModel, Stubborn], example: dict[str, Any]
) -> None:
    model, graph = held
    service = make_service(with_challenger(journal, 0.5, model=model, max_wait=60, request_timeout=60))
    name = applicant(0.5, challengers=True)
    assert (await predict(service, example, name))["model"] == NEW
    graph.go.clear()
    split = service.core._models.traffic_split
    assert split.challenger is not None
    split.challenger = replace(split.challenger, patience=0.01)
    answers = [await predict(service, example, name) for _ in range(LEAST)]
    assert {answer["model"] for answer in answers} == {OLD}
    assert service.core.model_info.challenger is not None
    assert service.core.model_info.challenger.withdrawn
    graph.go.set()


async def lose(service: Service) -> None:
    """Sends applicants until the guard has taken the share back."""
    for number, row in enumerate(applications(400, seed=3)):
        await predict(service, row, f"client-{number}")
        assert service.core.model_info.challenger is not None
        if service.core.model_info.challenger.withdrawn:
            return
    raise AssertionError("it was not withdrawn")


def worse(journal: Journal, name: str = "c-1") -> StartupConfig:
    """A challenger whose PDs are quite other ones."""
    model = stored(version="2.0.0", shift=4.0)
    return with_challenger(journal, 0.5, model=model, name=name, reload_token=TOKEN)


async def test_a_share_that_is_lost_stays_lost_until_the_challenger_is_sent_again(
    make_service: Make, journal: Journal, example: dict[str, Any], logged: pytest.LogCaptureFixture
) -> None:
    found = [worse(journal)]
    service = make_service(found[0], lambda: found[0])
    before = await exposed(service)
    assert before["scorebox_challenger_share{}"] == 0.5
    await lose(service)
    after = await exposed(service)
    assert after["scorebox_challenger_share{}"] == 0
    assert before["scorebox_challenger_planned_share{}"] == after["scorebox_challenger_planned_share{}"] == 0.5
    (counted,) = growth(before, after, "scorebox_challenger_withdrawn_total").items()
    assert counted[1] == 1
    written = json.loads((journal.folder / "withdrawn.json").read_text())
    assert (written["challenge"], written["model"]) == ("c-1", NEW)
    assert counted[0] == f"{{measure={written['measure']}}}"
    assert written["value"] > written["bound"]
    assert f"{NEW} lost its share at {written['withdrawn_at']}: {written['measure']} was" in logged.text

    theirs = applicant(0.5, challengers=True)
    reloaded = await service.client.post("/reload", headers=BEARER)
    assert reloaded.json() == snapshot(
        {
            "changed": False,
            "model": "card_default:1.0.0-fp32",
            "policy": "card_default-2abaf65f6b2d",
            "challenger": "card_default:2.0.0-fp32",
            "challenge": "c-1",
        }
    )
    assert (await predict(service, example, theirs))["model"] == OLD
    again = make_service(worse(journal))
    assert (await predict(again, example, theirs))["model"] == OLD

    found[0] = worse(journal, name="c-2")
    reloaded = await service.client.post("/reload", headers=BEARER)
    assert (reloaded.json()["changed"], reloaded.json()["challenge"]) == (True, "c-2")
    assert (await predict(service, example, theirs))["model"] == NEW


async def test_one_application_sent_by_a_monitor_withdraws_nothing(
    make_service: Make, journal: Journal, example: dict[str, Any]
) -> None:
    milder = stored(version="2.0.0", shift=-4.0)
    service = make_service(with_challenger(journal, 0.5, model=milder))
    models = {(await predict(service, example, f"probe-{number}"))["model"] for number in range(120)}
    batch = {"applications": [example] * 200}
    assert (await service.client.post("/predict_batch", json=batch)).status_code == 200
    assert models == {OLD, NEW}
    assert service.core.model_info.challenger is not None
    assert not service.core.model_info.challenger.withdrawn


async def test_a_repeat_after_a_withdrawal_gets_the_same_decision(
    make_service: Make, journal: Journal, example: dict[str, Any]
) -> None:
    service = make_service(worse(journal))
    name = applicant(0.5, challengers=True)
    headers = {"Idempotency-Key": "k-1"}
    first = await predict(service, example, name, **headers)
    assert first["model"] == NEW
    await lose(service)
    assert await predict(service, example, name, **headers) == first
    assert (await predict(service, example, name))["model"] == OLD


async def test_a_repeat_while_the_challenger_still_decides_gets_the_same_decision(
    make_service: Make, journal: Journal, held: tuple[StoredModel, Stubborn], example: dict[str, Any]
) -> None:
    model, graph = held
    service = make_service(with_challenger(journal, 0.5, model=model))
    name = applicant(0.5, challengers=True)
    headers = {"Idempotency-Key": "k-1"}
    graph.go.clear()
    first = asyncio.create_task(predict(service, example, name, **headers))
    await asyncio.to_thread(graph.asked.wait)
    service.core._models.traffic_split.share = 0.0
    second = await predict(service, example, name, **headers)
    graph.go.set()
    assert second["model"] == OLD
    assert await first == second
    assert len(list(JournalReader(journal.folder).decisions())) == 1


async def test_a_withdrawal_that_cannot_be_read_counts(
    make_service: Make, journal: Journal, example: dict[str, Any]
) -> None:
    (journal.folder / "withdrawn.json").write_text("{")
    service = make_service(with_challenger(journal, 0.5))
    assert (await predict(service, example, applicant(0.5, challengers=True)))["model"] == OLD
    assert "cannot be read" in (service.core._models.traffic_split.withdrawal or "")


async def test_a_challenger_equal_to_the_champion_keeps_its_share(make_service: Make, journal: Journal) -> None:
    service = make_service(with_challenger(journal, 0.5, model=stored(version="2.0.0"), bounds={"latency_ratio": 1e9}))
    for seed in range(10):
        await service.client.post("/predict_batch", json={"applications": applications(1_000, seed)})
    info = service.core.model_info.challenger
    assert info is not None
    assert info.model_dump() == snapshot(
        {"id": "c-1", "model": "card_default:2.0.0-fp32", "share": 0.5, "withdrawn": False}
    )


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
@pytest.mark.parametrize("token", [TOKEN, None])
async def test_nobody_reloads_without_the_token(make_service: Make, headers: dict[str, str], token: str | None) -> None:
    service = make_service(reload_token=token)
    response = await service.client.post("/reload", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="scorebox"'


async def test_without_a_token_of_its_own_a_service_takes_none(make_service: Make) -> None:
    service = make_service(reload_token=None)
    for given in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
        assert (await service.client.post("/reload", headers={"Authorization": given})).status_code == 401


async def test_a_model_that_needs_other_fields_is_not_taken_up(
    make_service: Make, journal: Journal, example: dict[str, Any]
) -> None:
    other = startup_config(columns=[*COLUMNS, "AGE"], journal=journal, reload_token=TOKEN)
    service = make_service(with_challenger(journal, 0.0, reload_token=TOKEN), lambda: other)
    before = await exposed(service)
    response = await service.client.post("/reload", headers=BEARER)
    assert response.status_code == 409
    assert response.json()["detail"] == snapshot(
        "nothing was reloaded: the new model reads other protected fields, start the service anew"
    )
    await predict(service, example)
    await service.core.close()
    assert growth(before, await exposed(service), "scorebox_challenges_total") == {"{outcome=scored}": 1}


async def test_a_reload_does_not_wait_for_what_a_shadow_has_waiting(
    make_service: Make, journal: Journal, held: tuple[StoredModel, Stubborn], example: dict[str, Any]
) -> None:
    model, graph = held
    promoted = replace(startup_config(journal=journal, reload_token=TOKEN), champion=LoadedModel(CHALLENGER))
    service = make_service(with_challenger(journal, 0.0, model=model, reload_token=TOKEN), lambda: promoted)
    graph.go.clear()
    old = await predict(service, example)
    reloaded = (await service.client.post("/reload", headers=BEARER)).json()
    assert (reloaded["model"], reloaded["challenger"]) == (NEW, None)
    assert (await predict(service, example))["model"] == NEW
    graph.go.set()
    await service.core.close()
    assert [record.decision_id for record in JournalReader(journal.folder).challenges()] == [old["decision_id"]]


async def test_reloads_at_once_and_requests_between_them_all_succeed(
    make_service: Make, journal: Journal, example: dict[str, Any]
) -> None:
    found = [with_challenger(journal, 0.2, name=f"c-{number}", reload_token=TOKEN) for number in range(6)]
    left = iter(found)
    service = make_service(found[0], lambda: next(left))
    reloads = [service.client.post("/reload", headers=BEARER) for _ in found]
    sent = [service.client.post("/predict", json=row) for row in applications(200)]
    answers = await asyncio.gather(*reloads, *sent)
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["challenge"] for answer in answers[:6]] == [f"c-{number}" for number in range(6)]
    assert service.core.model_info.challenger is not None
    assert service.core.model_info.challenger.id == "c-5"
    assert len(list(JournalReader(journal.folder).decisions())) == 200


def test_a_challenge_names_its_model() -> None:
    assert challenge(0.1).model == NEW
