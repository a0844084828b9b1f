"""POST /reload at a real server: what is newly promoted serves, and nobody who asks meanwhile notices."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from scoring.challenger.challenge import Challenge
from scoring.journal.reader import JournalReader
from scoring.models import Release
from scoring.moment import now_to_the_millisecond
from scoring.policy import CutoffPolicy, StatedBasis
from tests.e2e.server import Server, serve
from tests.serving.challenged import applications
from tests.serving.toy import SCORECARD, push_release_in
from tests.waiting import PATIENT, until

TOKEN = "a-token-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OLD, NEW = "card_default:1.0.0-fp32", "card_default:2.0.0-fp32"
CONNECTIONS, REQUESTS = 8, 400


@dataclass(frozen=True)
class Reloadable:
    """A server at whose home a second version can be promoted."""

    home: Path
    server: Server

    @property
    def release(self) -> Path:
        return self.home / "release.json"

    @property
    def journal(self) -> Path:
        return self.home / "decisions"

    def push(self, version: str = "2.0.0") -> Release:
        """Puts another version into the store; what serves stays."""
        return push_release_in(self.home, self.home / f"release-{version}.json", version, 0.5)

    def reload(self, **headers: str) -> httpx.Response:
        return httpx.post(f"{self.server.url}/reload", headers=headers or BEARER, **PATIENT)

    def serving(self) -> str:
        tag: str = self.server.get("/model_info").json()["model"]
        return tag


@pytest.fixture
def reloadable(home: Path) -> Iterator[Reloadable]:
    with serve(home, SCOREBOX_RELOAD_TOKEN=TOKEN, SCOREBOX_JOURNAL=str(home / "decisions")) as server:
        yield Reloadable(home, server)


def said(server: Server) -> str:
    """The messages of its log."""
    return "\n".join(line.get("message", "") for line in server.log())


def ask(url: str, rows: list[dict[str, Any]]) -> list[httpx.Response]:
    with httpx.Client(**PATIENT) as client:
        return [client.post(f"{url}/predict", json=row) for row in rows]


@pytest.mark.slow
def test_release_policy_and_challenge_are_taken_up_and_what_is_damaged_is_not(
    reloadable: Reloadable, example: dict[str, Any]
) -> None:
    server = reloadable.server
    worker = server.worker()
    for headers in ({"Authorization": "Bearer wrong"}, {"X-Nothing": "1"}):
        assert reloadable.reload(**headers).status_code == 401
    assert reloadable.reload().json()["changed"] is False

    cutoff = 0.9
    basis = StatedBasis(kind="hand", reason="to see it change")
    policy = CutoffPolicy(scorecard=SCORECARD.name, cutoff=cutoff, basis=basis, made_at=now_to_the_millisecond())
    before = server.post("/predict", example).json()
    policy.write(reloadable.release.with_suffix(".policy.json"))
    assert reloadable.reload().json()["policy"] == policy.id
    after = server.post("/predict", example).json()
    assert (before["decision"], after["decision"]) == ("decline", "approve")
    assert (after["pd"], after["cutoff"], after["model"]) == (before["pd"], cutoff, OLD)

    second = reloadable.push()
    sent = Challenge(id="c-1", release=second, share=0, made_at=now_to_the_millisecond())
    sent.write(reloadable.release.with_suffix(".challenger.json"))
    assert reloadable.reload().json()["challenger"] == NEW
    graph = reloadable.home / "models" / "card_default" / "2.0.0-fp32" / "model.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    second.write(reloadable.release)
    refused = reloadable.reload()
    assert refused.status_code == 409
    assert "nothing was reloaded: card_default:2.0.0-fp32: the graph's sha256 is" in refused.json()["detail"]
    assert reloadable.serving() == OLD
    graph.write_bytes(whole)
    # It is not its own challenger either.
    answer = reloadable.reload().json()
    assert (answer["model"], answer["challenger"]) == (NEW, None)
    until(lambda: any("is the champion" in line.get("message", "") for line in server.log()))

    # The same by signal, to the process that answers and to the one that started it; neither ends.
    assert server.post("/predict", example).json()["cutoff"] == cutoff
    reloadable.release.with_suffix(".policy.json").unlink()
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(ask, server.url, [example] * 100)
        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: "SIGHUP: release, policy and challenge were read again: something else serves" in said(server))
        reloadable.release.write_text("{")
        os.kill(worker, signal.SIGHUP)
        until(lambda: "SIGHUP: nothing was reloaded: " in said(server))
        assert {answer.status_code for answer in answers.result()} == {200}
    assert server.post("/predict", example).json()["cutoff"] == before["cutoff"]
    assert server.worker() == worker


@pytest.mark.slow
def test_under_load_no_request_fails_and_answers_switch_once(reloadable: Reloadable) -> None:
    second = reloadable.push()
    rows = [applications(REQUESTS, seed) for seed in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked = [pool.submit(ask, reloadable.server.url, part) for part in rows]
        while not reloadable.journal.exists() or len(list(JournalReader(reloadable.journal).decisions())) < 400:
            assert not all(future.done() for future in asked)
        second.write(reloadable.release)
        assert reloadable.reload().json()["model"] == NEW
        answers = [future.result() for future in asked]
    kept = {record.decision_id: record.basis.model for record in JournalReader(reloadable.journal).decisions()}
    assert len(kept) == CONNECTIONS * REQUESTS
    for part in answers:
        assert {answer.status_code for answer in part} == {200}
        decisions = [answer.json() for answer in part]
        models = [decision["model"] for decision in decisions]
        assert set(models) == {OLD, NEW}
        assert sum(before != after for before, after in pairwise(models)) == 1
        assert models[-1] == NEW
        assert all(kept[decision["decision_id"]] == decision["model"] for decision in decisions)


@pytest.mark.slow
def test_reloads_at_once_leave_one_that_serves(reloadable: Reloadable) -> None:
    second = reloadable.push()
    second.write(reloadable.release)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked = [pool.submit(ask, reloadable.server.url, applications(100, seed)) for seed in range(4)]
        answers = list(pool.map(lambda _: reloadable.reload(), range(6)))
        responses = [answer for future in asked for answer in future.result()]
    assert {answer.status_code for answer in [*answers, *responses]} == {200}
    assert [answer.json()["changed"] for answer in answers].count(True) == 1
    assert reloadable.serving() == NEW


@pytest.mark.slow
def test_a_challenger_that_is_not_there_leaves_the_champion_serving(home: Path, example: dict[str, Any]) -> None:
    gone = Release(scorecard=SCORECARD.name, version="3", serving="fp32", tags={"fp32": "card_default:3-fp32"})
    Challenge(id="c-1", release=gone, share=0.1, made_at=now_to_the_millisecond()).write(
        home / "release.challenger.json"
    )
    with serve(home, SCOREBOX_RELOAD_TOKEN=TOKEN) as server:
        assert server.post("/predict", example).json()["model"] == OLD
        assert server.get("/model_info").json()["challenger"] is None

        def errors() -> list[str]:
            return [line["message"] for line in server.log() if line.get("level") == "ERROR"]

        until(lambda: len(errors()) > 0)
        assert errors() == [
            "without its challenger: card_default:3-fp32 is not in the model store; run: scorebox push card_default"
        ]
        refused = httpx.post(f"{server.url}/reload", headers=BEARER, **PATIENT)
        assert refused.status_code == 409
        assert "card_default:3-fp32 is not in the model store" in refused.json()["detail"]


@pytest.mark.slow
def test_a_share_that_is_lost_is_lost_after_a_restart(home: Path) -> None:
    bad = push_release_in(home, home / "bad.json", "2.0.0", 4.0)
    path = home / "release.challenger.json"
    journal = str(home / "decisions")
    Challenge(id="c-1", release=bad, share=0.5, made_at=now_to_the_millisecond()).write(path)
    with serve(home, SCOREBOX_RELOAD_TOKEN=TOKEN, SCOREBOX_JOURNAL=journal) as server:
        answers = [answer.json()["model"] for answer in ask(server.url, applications(600))]
        assert server.get("/model_info").json()["challenger"]["withdrawn"] is True
    assert NEW in answers[:100]
    # Some applications of the sample are the challenger's all along; none of them is decided by it any more.
    assert set(answers[300:]) == {OLD}
    with serve(home, SCOREBOX_RELOAD_TOKEN=TOKEN, SCOREBOX_JOURNAL=journal) as server:
        assert {answer.json()["model"] for answer in ask(server.url, applications(100))} == {OLD}
        Challenge(id="c-2", release=bad, share=0.5, made_at=now_to_the_millisecond()).write(path)
        assert httpx.post(f"{server.url}/reload", headers=BEARER, **PATIENT).json()["challenge"] == "c-2"
        assert NEW in {answer.json()["model"] for answer in ask(server.url, applications(20))}
