"""The monitoring files, as tests read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import PROJECT

MONITORING = PROJECT / "deploy" / "monitoring"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
RULE_TESTS = sorted((MONITORING / "prometheus" / "tests").glob("*.yml"))
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
ALERTMANAGER = MONITORING / "alertmanager" / "alertmanager.yml"
RUNBOOK = PROJECT / "docs" / "how-to" / "runbook.md"

_CHOSEN = {"$namespace": ".*", "$service": ".*", "$scorecard": ".*", "$__rate_interval": "1m", "$__range": "5m"}
"""Values that Grafana would put in the place of its variables."""
_METRIC = re.compile(r"(?<![\w\"#/.:-])(scorebox_\w+|process_\w+|push_time_seconds)(?=[\s{)\[]|$)")
_RECORDED = re.compile(r"\b\w+:\w+:\w+\b")


@dataclass(frozen=True)
class Expression:
    """A PromQL expression, and where it stands."""

    where: str
    text: str

    @property
    def metrics(self) -> set[str]:
        """Names of the metrics in it, without those that rules record."""
        return set(_METRIC.findall(_RECORDED.sub(" ", self.text)))

    @property
    def recorded(self) -> set[str]:
        """Names in it of what rules record."""
        return set(_RECORDED.findall(self.text))


def read(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text())


def rules(kind: str) -> list[dict[str, Any]]:
    """Every rule of this kind: alert or record."""
    return [rule for path in RULES for group in read(path)["groups"] for rule in group["rules"] if kind in rule]


def dashboard(path: Path) -> dict[str, Any]:
    """A dashboard's file."""
    made: dict[str, Any] = json.loads(path.read_text())
    return made


def panels(path: Path) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard that show something."""
    yield from (panel for panel in dashboard(path)["panels"] if panel["type"] != "row")


def dashboard_expressions() -> list[Expression]:
    """Every query of every dashboard to Prometheus, with its variables filled in."""
    found = []
    for path in DASHBOARDS:
        for panel in panels(path):
            if panel["datasource"]["type"] == "prometheus":
                for target in panel["targets"]:
                    text = target["expr"]
                    for name, value in _CHOSEN.items():
                        text = text.replace(name, value)
                    found.append(Expression(f"{path.stem}: {panel['title']}", text))
    return found


def rule_expressions() -> list[Expression]:
    """The expression of every rule."""
    return [Expression(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules("expr")]


def runbook_entries() -> dict[str, str]:
    """The text of each alert's entry, by the entry's title."""
    parts = re.split(r"^## (\w+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def runbook_expressions() -> list[Expression]:
    """Every query of the runbook to Prometheus."""
    return [
        Expression(f"runbook: {title}", text.strip())
        for title, entry in runbook_entries().items()
        for text in re.findall(r"```promql\n(.*?)```", entry, re.DOTALL)
    ]


def every_expression() -> list[Expression]:
    """Those of dashboards, rules and runbook."""
    return [*dashboard_expressions(), *rule_expressions(), *runbook_expressions()]
