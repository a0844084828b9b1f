"""Prometheus' rules: each alert fires and stays silent where it should, and leads to an entry of the runbook."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.curves import Scenario, Shape
from loadtests.targets import Targets
from scoring.scorecards import names
from tests.conftest import PROJECT
from tests.deploy.monitoring import (
    MONITORING,
    RULE_TESTS,
    RULES,
    every_expression,
    read,
    rule_expressions,
    rules,
    runbook_entries,
)
from tests.deploy.programs import run

pytestmark = pytest.mark.slow
ALERTS = rules("alert")
CASES: list[dict[str, Any]] = [
    looked for path in RULE_TESTS for case in read(path)["tests"] for looked in case["alert_rule_test"]
]
OF_OTHERS = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "push_time_seconds",
}
"""Metrics of prometheus_client and of the Pushgateway."""


def named(alert: dict[str, Any]) -> str:
    name: str = alert["alert"]
    return name


def test_prometheus_takes_the_configuration_and_every_rule() -> None:
    printed = run("promtool", "check", "config", MONITORING / "prometheus" / "prometheus.yml")
    assert printed.count("rules found") == len(RULES)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_where_they_should(path: Path) -> None:
    run("promtool", "test", "rules", path)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_groups_of_rules_are_evaluated_in_a_stated_order(path: Path) -> None:
    case = read(path)
    groups = [group["name"] for file in case["rule_files"] for group in read(path.parent / file)["groups"]]
    assert case.get("group_eval_order", groups[:1]) == groups, "promtool would draw one"


@pytest.mark.parametrize("alert", ALERTS, ids=named)
def test_an_alert_has_a_case_that_fires_and_one_that_does_not(alert: dict[str, Any]) -> None:
    fires = {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert["alert"]}
    assert fires == {True, False}


@pytest.mark.parametrize("history", ["never", "restarted"])
def test_every_alert_has_a_case_of_what_never_happened_and_one_of_a_restart(history: str) -> None:
    cases = [case for path in RULE_TESTS if path.stem.startswith(history) for case in read(path)["tests"]]
    looked = {looked["alertname"] for case in cases for looked in case["alert_rule_test"]}
    assert looked == {named(alert) for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=named)
def test_an_alert_says_how_urgent_it_is_whose_and_where_it_is_explained(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["labels"]["area"] in {"service", "journal", "models"}
    assert alert["annotations"]["summary"]
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor == alert["alert"].lower()
    titles = re.findall(r"^#+ (.+)$", (PROJECT / page).read_text(), re.MULTILINE)
    assert anchor in [title.lower().replace(" ", "-") for title in titles]


def test_the_runbook_has_an_entry_for_each_alert_and_for_nothing_else() -> None:
    assert list(runbook_entries()) == [
        alert["alert"] for path in ("service", "journal", "models") for alert in of(path)
    ]


def of(file: str) -> list[dict[str, Any]]:
    path = MONITORING / "prometheus" / "rules" / f"{file}.yml"
    return [rule for group in read(path)["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("entry", runbook_entries().items(), ids=lambda entry: entry[0])
def test_a_runbook_entry_says_how_to_see_and_what_to_do(entry: tuple[str, str]) -> None:
    _, text = entry
    meaning, query, steps = text.partition("```promql\n")
    assert meaning.strip()
    assert query
    assert re.search(r"^- ", steps, re.MULTILINE)


def test_links_within_the_runbook_lead_somewhere() -> None:
    text = (PROJECT / "docs" / "how-to" / "runbook.md").read_text()
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for page in (PROJECT / "docs" / "how-to" / "observability.md", PROJECT / "docs" / "how-to" / "runbook.md"):
        assert set(re.findall(r"\]\((?:runbook\.md)?#([\w-]+)\)", page.read_text())) <= titles


def test_names_of_recorded_series_are_level_metric_operations() -> None:
    for rule in rules("record"):
        level, metric, operations = rule["record"].split(":")
        assert re.fullmatch(r"(instance|service(_role|_route)?)", level)
        assert metric.startswith("scorebox_")
        assert re.fullmatch(r"(ratio_rate|p\d\d_rate|rate)\d+[mhd]|p99", operations)
    assert not [name for name, times in Counter(rule["record"] for rule in rules("record")).items() if times > 1]


def test_every_metric_that_is_asked_for_is_one_that_is_served_or_recorded() -> None:
    reference = (PROJECT / "docs" / "reference" / "reference.md").read_text()
    documented = set(re.findall(r"^\| `(scorebox_\w+)`", reference, re.MULTILINE))
    recorded = {rule["record"] for rule in rules("record")}
    for expression in every_expression():
        assert expression.metrics | expression.recorded or "up" in expression.text or "ALERTS" in expression.text
        known = {re.sub(r"_(bucket|sum|count)$", "", name) for name in expression.metrics}
        assert known <= documented | OF_OTHERS, expression.where
        assert expression.recorded <= recorded, expression.where


def test_every_recorded_series_is_asked_for() -> None:
    asked = set().union(*(expression.recorded for expression in every_expression()))
    assert {rule["record"] for rule in rules("record")} <= asked


@pytest.mark.parametrize("scorecard", names())
def test_the_latency_target_is_that_of_the_load_tests(scorecard: str, tmp_path: Path) -> None:
    target = Targets.read().scenario(Scenario.SINGLE, scorecard).target(Shape.SOAK)
    served = f'scorebox_model_info{{service="x", scorecard="{scorecard}", role="champion"}}'
    expected = {"labels": 'service:scorebox_latency_target_seconds:p99{service="x"}', "value": target.p99_ms / 1000}
    asked = {"expr": "service:scorebox_latency_target_seconds:p99", "eval_time": "1m", "exp_samples": [expected]}
    case = {"interval": "1m", "input_series": [{"series": served, "values": "1x2"}], "promql_expr_test": [asked]}
    made = tmp_path / "target.yml"
    made.write_text(yaml.safe_dump({"rule_files": [str(path) for path in RULES], "tests": [case]}))
    run("promtool", "test", "rules", made)


def test_expressions_are_found() -> None:
    # What the other tests go through must not be empty.
    assert len(rule_expressions()) == len(ALERTS) + len(rules("record")) > 30
