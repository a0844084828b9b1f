"""A real server under requests, watched by a real Prometheus: every expression has something to say of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from loadtests.server import free_port
from scoring.challenger.challenge import Bounds, Challenge
from scoring.moment import now_to_the_millisecond
from scoring.scorecards import load
from tests.conftest import Project
from tests.deploy.monitoring import (
    MONITORING,
    RULES,
    Expression,
    dashboard_expressions,
    every_expression,
    read,
    rule_expressions,
    rules,
)
from tests.deploy.programs import running
from tests.e2e.server import Server, serve
from tests.serving.toy import push_release_in
from tests.waiting import until

pytestmark = pytest.mark.slow

CARD = load("card_default")
ROWS = 1_200
"""Enough for verdicts on drift and on the score."""
ONLY_WITH_A_HISTORY = {"scorebox_thin_files_total"}
"""Metrics that a scorecard without one never shows."""


@dataclass(frozen=True)
class Watched:
    """A server, and what watches it."""

    server: Server
    pushgateway: str
    prometheus: str

    def asked(self, expression: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers now."""
        answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", (expression, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def groups(self) -> list[dict[str, Any]]:
        """Prometheus' groups of rules, and how they fare."""
        answer = httpx.get(f"{self.prometheus}/api/v1/rules").json()
        found: list[dict[str, Any]] = answer["data"]["groups"]
        return found


def applications(rows: int, seed: int) -> list[dict[str, Any]]:
    sample = CARD.sample(np.random.default_rng(seed), rows)
    columns = [column for column in CARD.columns if column not in CARD.protected]
    return [{name: sample[name][row].item() for name in columns} for row in range(rows)]


def ask(server: Server, seed: int = 0) -> None:
    """One request of every kind, good and bad."""
    some = applications(40, seed)
    for application in some:
        assert server.post("/predict", application).status_code == 200
    assert server.post("/predict_batch", {"applications": some}).status_code == 200
    assert server.post("/explain", some[0]).status_code == 200
    assert server.post("/predict", some[0] | {"PAY_0": 99}).status_code == 422
    assert server.get("/nowhere").status_code == 404


def decide_and_learn(server: Server) -> None:
    """Decisions of many applications, and what became of them: as often a default as their PDs say."""
    today = datetime.now(UTC).date().isoformat()
    for start, rows in enumerate([applications(ROWS // 2, seed) for seed in (1, 2)]):
        decided = server.post("/predict_batch", {"applications": rows}).json()["decisions"]
        drawn = np.random.default_rng(start).random(len(decided))
        outcomes = [
            {"decision_id": row["decision_id"], "defaulted": int(chance < row["pd"]), "observed_on": today}
            for row, chance in zip(decided, drawn.tolist(), strict=True)
        ]
        assert server.post("/outcomes", {"outcomes": outcomes}).json()["recorded"] == len(rows)


def configuration(folder: Path, server: Server, pushgateway: int) -> Path:
    """Ours, looking at these two, every second."""
    made = read(MONITORING / "prometheus" / "prometheus.yml")
    scrapes = {scrape["job_name"]: scrape for scrape in made["scrape_configs"]}
    scorebox, gateway = scrapes["scorebox"], scrapes["pushgateway"]
    del scorebox["dns_sd_configs"], scorebox["relabel_configs"]
    scorebox["static_configs"] = [{"targets": [f"127.0.0.1:{server.port}"], "labels": {"service": "scorebox"}}]
    gateway["static_configs"] = [{"targets": [f"127.0.0.1:{pushgateway}"]}]
    for path in RULES:
        (folder / path.name).write_text(path.read_text().replace("interval: 30s", "interval: 1s"))
    made |= {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [path.name for path in RULES],
        "scrape_configs": [scorebox, gateway],
        "alerting": {},
    }
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(made))
    return written


@pytest.fixture(scope="module")
def watched(trained_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A trained model and a toy that challenges it serve; drift and performance were measured and pushed."""
    folder = tmp_path_factory.mktemp("watched")
    project = Project(Path(shutil.copytree(trained_project.folder, folder / "project")), trained_project.store)
    home = Path(shutil.copytree(trained_project.store, folder / "home"))
    shutil.copy(project.folder / "releases" / "card_default.json", home / "release.json")
    toy = push_release_in(home, folder / "toy.json", "2.0.0")
    bounds = Bounds(latency_ratio=1e6, score_psi=1e6, approval_shift=1)
    sent = Challenge(id="c-1", release=toy, share=0.3, bounds=bounds, made_at=now_to_the_millisecond())
    sent.write(home / "release.challenger.json")
    gateway, prometheus = free_port(), free_port()
    journal = folder / "journal"
    with (
        running(
            "prometheus-pushgateway",
            folder,
            f"http://127.0.0.1:{gateway}/-/ready",
            f"--web.listen-address=127.0.0.1:{gateway}",
        ),
        serve(home, SCOREBOX_JOURNAL=str(journal), SCOREBOX_JOURNAL_SHIPPED="true") as server,
    ):
        made = Watched(server, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{prometheus}")
        decide_and_learn(server)
        project.scorebox("performance", "card_default", "--journal", str(journal), "--pushgateway", made.pushgateway)
        project.scorebox("drift", "card_default", "--journal", str(journal), "--pushgateway", made.pushgateway)
        arguments = (
            f"--config.file={configuration(folder, server, gateway).name}",
            f"--web.listen-address=127.0.0.1:{prometheus}",
            "--storage.tsdb.path=data",
        )
        with running("prometheus", folder, f"{made.prometheus}/-/ready", *arguments):
            ask(server)
            until(lambda: bool(made.asked('up{job="scorebox"} == 1')) and bool(made.asked("scorebox_drift_due")))
            ask(server, 1)
            yield made


def test_every_metric_that_is_asked_for_is_there(watched: Watched) -> None:
    shown = watched.server.get("/metrics").text + httpx.get(f"{watched.pushgateway}/metrics").text
    there = {line.split("{")[0].split(" ")[0] for line in shown.splitlines() if not line.startswith("#")}
    asked = set().union(*(expression.metrics for expression in every_expression()))
    assert len(asked) > 40
    assert asked - there == ONLY_WITH_A_HISTORY


def test_prometheus_evaluates_every_expression(watched: Watched) -> None:
    expressions = every_expression()
    assert len(expressions) > 100
    for expression in expressions:
        watched.asked(expression.text)


def test_every_panel_and_every_recorded_series_shows_something(watched: Watched) -> None:
    alerts = {rule["alert"] for rule in rules("alert")}
    recorded = [expression for expression in rule_expressions() if expression.where not in alerts]
    shown = [made for made in (*dashboard_expressions(), *recorded) if not made.metrics & ONLY_WITH_A_HISTORY]

    def empty() -> list[Expression]:
        return [expression for expression in shown if not watched.asked(expression.text)]

    def none_is_empty() -> bool:
        # Rates need two looks with something between them.
        ask(watched.server, 3)
        return not empty()

    until(none_is_empty, empty)


def test_no_rule_has_trouble_and_sample_data_is_noticed(watched: Watched) -> None:
    expected = {rule.get("alert") or rule["record"] for rule in rules("expr")}

    def evaluated() -> bool:
        return all(rule["health"] != "unknown" for group in watched.groups() for rule in group["rules"])

    until(evaluated)
    found = [rule for group in watched.groups() for rule in group["rules"]]
    assert {rule["name"] for rule in found} == expected
    assert {(rule["name"], rule["health"], rule.get("lastError", "")) for rule in found} == {
        (name, "ok", "") for name in expected
    }
    # The project's model is one of sample data, and the alert waits for its five minutes.
    states = {rule["name"]: rule["state"] for rule in found if rule["type"] == "alerting"}
    assert states["ScoreboxSampleData"] == "pending"
    assert states["ScoreboxDown"] == states["ScoreboxWithoutMetrics"] == states["ScoreboxDriftUnknown"] == "inactive"
