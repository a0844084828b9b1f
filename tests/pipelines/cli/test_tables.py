"""Tables that can be read in 80 columns, and the same as JSON."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from pipelines import cli
from pipelines.cli.lazy import LazyCommand
from scoring.outcomes.store import Outcome, Outcomes
from tests.pipelines.governed import CARD, Governed
from tests.pipelines.realised import MATURED_ON, draw_labels, draw_pds, journal_of
from tests.scoring.journal import made_up
from training.parquet import read_parquet

PRINTERS = {"print_table", "print_checks", "broken_rules"}
"""What prints a table; `build` calls the commands that do."""
WIDTH = 80
MODEL = made_up.BASIS.model
MONTHS = ("2026-01", "2026-02", "2026-03")
LONG = "a batch of outcomes with a rather long name that somebody chose on the first day of the month.csv"


def functions(module: str) -> dict[str, ast.FunctionDef]:
    source = Path(sys.modules[module].__file__ or "").read_text()
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def prints_tables(module: str, function: str) -> bool:
    """Whether a command prints a table, itself or by functions of its module."""
    known, seen, left = functions(module), set(), [function]
    while left:
        name = left.pop()
        if name in PRINTERS:
            return True
        if name in known and name not in seen:
            seen.add(name)
            left += [node.id for node in ast.walk(known[name]) if isinstance(node, ast.Name)]
    return False


def commands(group: TyperGroup, *words: str) -> dict[str, LazyCommand]:
    found: dict[str, LazyCommand] = {}
    for name, command in group.commands.items():
        if isinstance(command, LazyCommand):
            found[" ".join((*words, name))] = command
        elif isinstance(command, TyperGroup):
            found |= commands(command, *words, name)
    return found


def test_every_command_that_prints_a_table_writes_json_too() -> None:
    with_tables = set()
    for name, command in commands(cli.app).items():
        options = {option for parameter in command.load().params for option in parameter.opts}
        if prints_tables(command.module, command.function):
            with_tables.add(name)
            assert "--json" in options, name
        else:
            assert "--json" not in options, f"{name} prints no table"
    assert {"registry", "promote", "verify", "drift", "performance", "replay", "outcomes list", "ingest"} <= with_tables
    others = [path.name for path in Path(inspect.getfile(cli)).parent.glob("*.py") if "rich.table" in path.read_text()]
    assert others == ["tables.py"], "every table is printed by one function"


@pytest.fixture
def run(governed: Governed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a window of 80 columns; return its exit code, its table's lines and its standard output."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))

    def command(*words: str) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["scorebox", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        lines = printed.err.splitlines()
        titles = [place for place, line in enumerate(lines) if line.startswith(f"{CARD.name}: ")]
        return code, lines[titles[0] + 1 :] if titles else [], printed.out

    return command


def names(found: Any) -> Any:
    return found["scorecard"]


TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Any], Any]]] = {
    "registry": ((), ("verification holds; promoted 20", "champion", "SAMPLE DATA"), names),
    "freshness": ((), ("ingestion; sample data", "none"), names),
    "verify": ((), ("expected_calibration_error", "reasons_alone_and_in_batches", "at most 0.1"), names),
    "cutoff": ((), ("profit, observed", "bad, expected", "proposed"), names),
    "drift": (("artifacts/full/card_default/test.parquet",), ("by chance up to", "stable"), names),
    "replay": (("--journal", "journal"), ("decisions",), names),
    "performance": (("--journal", "journal"), (MODEL, "defaults, expected", "1,500"), names),
    "outcomes list": (("--journal", "journal", "--unknown"), ("decision-nobody-knows", "the first day of the"), names),
}


@pytest.mark.slow
def test_tables_are_read_in_80_columns_and_hold_the_same_as_json(governed: Governed, run: Any) -> None:
    pds = draw_pds(1_500)
    decisions = journal_of(Path("journal"), pds, MONTHS)
    labels = draw_labels(pds).tolist()
    matured = [Outcome(name, label, MATURED_ON, "test") for name, label in zip(decisions, labels, strict=True)]
    Outcomes(Path("journal")).record([*matured, Outcome("decision-nobody-knows", 1, MATURED_ON, LONG)])
    for command, (arguments, shown, scorecard_of) in TABLES.items():
        words = command.split()
        _, lines, _ = run(*words, CARD.name, *arguments)
        assert lines, command
        table = [line for line in lines if not line.startswith((words[0], "error", "look", "decay", "missing model "))]
        assert max(map(len, table)) <= WIDTH, command
        for text in shown:
            assert any(text in line for line in table), (command, text)
        _, lines, out = run(*words, CARD.name, *arguments, "--json")
        assert not [line for line in lines if "┃" in line], command
        assert scorecard_of(json.loads(out)) == CARD.name, command


def test_broken_rules_are_read_in_80_columns_and_as_json(governed: Governed, run: Any) -> None:
    rows, _ = read_parquet(governed.workspace.raw_table("applications"))
    rows.assign(SEX=7, EDUCATION=-3).to_parquet("rows.parquet")
    for words in (["ingest", CARD.name, "--source", "rows.parquet"],):
        code, lines, _ = run(*words)
        assert code == 1
        assert max(len(line) for line in lines if not line.startswith("error")) <= WIDTH
        assert any("EDUCATION" in line for line in lines)
        code, _, out = run(*words, "--json")
        assert code == 1
        assert {item["column"] for item in json.loads(out)["violations"]} == {"SEX", "EDUCATION"}
    code, _, out = run("validate", CARD.name, "--json")
    assert (code, json.loads(out)["violations"]) == (0, [])
