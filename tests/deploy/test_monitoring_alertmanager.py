"""Alertmanager: who is told of what, and that its file holds no secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from loadtests.server import free_port
from tests.deploy.monitoring import ALERTMANAGER, MONITORING, read, rules
from tests.deploy.programs import run, running
from tests.waiting import until

CONFIGURATION = read(ALERTMANAGER)
RECEIVERS = {receiver["name"] for receiver in CONFIGURATION["receivers"]}


def expected(labels: dict[str, str]) -> str:
    if labels["severity"] == "critical":
        return "on_call"
    return "model_owners" if labels["area"] == "models" else "engineers"


def test_alertmanager_takes_its_configuration() -> None:
    assert f"{len(RECEIVERS)} receivers" in run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize("alert", rules("alert"), ids=lambda alert: alert["alert"])
def test_an_alert_reaches_whom_it_is_meant_for(alert: dict[str, Any]) -> None:
    labels = [f"{name}={value}" for name, value in {"alertname": alert["alert"], **alert["labels"]}.items()]
    reached = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert reached.strip() == expected(alert["labels"])


def test_every_receiver_is_meant_for_some_alert() -> None:
    assert {expected(alert["labels"]) for alert in rules("alert")} == RECEIVERS


def test_alerts_that_hold_others_back_exist() -> None:
    text = ALERTMANAGER.read_text()
    names = {alert["alert"] for alert in rules("alert")}
    for rule in CONFIGURATION["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            for name in matcher.split('"')[1].removesuffix(".+").split("|"):
                assert any(alert.startswith(name) for alert in names), name
    assert text.count("alertname") > 1


def test_addresses_of_receivers_are_secrets_in_files() -> None:
    listed = (MONITORING / "README.md").read_text()
    for receiver in CONFIGURATION["receivers"]:
        (webhook,) = receiver["slack_configs"]
        assert "api_url" not in webhook
        assert webhook["api_url_file"] == f"/run/secrets/alertmanager_{receiver['name']}"
        assert f"`{webhook['api_url_file']}`" in listed
    assert "http" not in ALERTMANAGER.read_text()


@contextmanager
def webhooks() -> Iterator[tuple[int, list[tuple[str, dict[str, Any]]]]]:
    """A port where messages are taken, and what came: the path and the message."""
    came: list[tuple[str, dict[str, Any]]] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, came
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
def test_a_real_alertmanager_tells_each_receiver_what_it_needs(tmp_path: Path) -> None:
    with webhooks() as (port, came):
        text = ALERTMANAGER.read_text().replace("/run/secrets", str(tmp_path))
        # Waiting for more of a group is not what is tried here.
        text = text.replace("group_wait: 30s", "group_wait: 1s").replace("group_wait: 10s", "group_wait: 1s")
        (tmp_path / "alertmanager.yml").write_text(text)
        for name in RECEIVERS:
            (tmp_path / f"alertmanager_{name}").write_text(f"http://127.0.0.1:{port}/{name}")
        own = free_port()
        address = f"http://127.0.0.1:{own}"
        arguments = ["--config.file=alertmanager.yml", f"--web.listen-address=127.0.0.1:{own}", "--storage.path=data"]
        with running(
            "prometheus-alertmanager", tmp_path, f"{address}/-/ready", *arguments, "--cluster.listen-address="
        ):
            fast, slow = "ScoreboxErrorBudgetFastBurn", "ScoreboxErrorBudgetSlowBurn"
            for name in (fast, slow, "ScoreboxDriftDue", "ScoreboxSaturated"):
                (rule,) = (rule for rule in rules("alert") if rule["alert"] == name)
                labels = {"alertname": name, "service": "scorebox", **rule["labels"]}
                sent = [{"labels": labels, "annotations": rule["annotations"]}]
                httpx.post(f"{address}/api/v2/alerts", json=sent).raise_for_status()
            until(lambda: len(came) >= 3)
            reached = {path.strip("/"): message["attachments"][0] for path, message in came}
            (inhibited,) = httpx.get(f"{address}/api/v2/alerts", params={"filter": f'alertname="{slow}"'}).json()
    assert set(reached) == RECEIVERS
    assert reached["on_call"]["title"] == f"FIRING {fast} scorebox"
    assert "docs/how-to/runbook.md#scoreboxerrorbudgetfastburn" in reached["on_call"]["text"]
    assert "ScoreboxDriftDue" in reached["model_owners"]["title"]
    assert "ScoreboxSaturated" in reached["engineers"]["title"]
    assert inhibited["status"]["state"] == "suppressed"
