"""One word for one thing: words that have gone stay gone, in code and in documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ROOMS = ("scoring", "serving", "training", "pipelines", "desk", "loadtests", "deploy")

GONE_NAMES = {
    "Contest": "TrafficSplit",
    "Fate": "OutcomeStatus",
    "Judge": "DecisionRules",
    "Lineup": "ServingModels",
    "Opponent": "Challenger",
    "Origin": "RequestOrigin",
    "Share": "BatchSlice",
    "ServingParts": "StartupConfig",
    "Side": "LoadedModel",
    "Standing": "PresentChallenge",
    "Verdict": "GateResult, DriftStatus, ... by what is judged",
    "Verdicts": "DecidedColumns",
    "heed": "apply_withdrawal, withdraw_share, ...",
    "judge": "by what is judged: choose_winner, promotion_gates",
    "look": "list_files, find_files",
    "now": "now_to_the_second, now_to_the_millisecond",
    "say": "log_state, print_line",
    "take": "record, add, receive",
}
"""Names of classes, functions and modules that have gone (was -> is), with or without underscores before them."""

PERSONS_VERDICT = ("desk/database/work.py", "Verdict")
"""The one thing that has this name now: what a person at the desk decides."""

GONE_WORDS = {
    "contest": "traffic split",
    "opponent": "challenger",
    "lineup": "serving models",
    "see there": "say it, or nothing",
    "See the module's docstring": "say it, or nothing",
}
"""Words that have gone from docstrings and documents (was -> is)."""

GONE_BEGINNINGS = ("What ", "Of ", "Whatever ")
"""No docstring begins so: it says "Return ...", "Write ..." or names the thing."""


def sources() -> list[Path]:
    return [PROJECT / "service.py", *(path for room in ROOMS for path in sorted((PROJECT / room).rglob("*.py")))]


def documents() -> list[Path]:
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def shown(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def names(path: Path) -> Iterator[str]:
    """Yield the module's own name, and those of its classes and functions."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def docstrings(path: Path) -> Iterator[str]:
    """Yield every string that stands as a statement: docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def gone_words(text: str) -> list[str]:
    return [word for word in GONE_WORDS if re.search(rf"(?i)\b{re.escape(word)}s?\b", text)]


def test_no_class_function_or_module_has_a_name_that_has_gone() -> None:
    found = [(shown(path), name) for path in sources() for name in names(path) if name.lstrip("_") in GONE_NAMES]
    assert found == [PERSONS_VERDICT]


def test_no_docstring_begins_with_a_clause() -> None:
    found = [(shown(path), text) for path in sources() for text in docstrings(path) if text.startswith(GONE_BEGINNINGS)]
    assert found == []


def test_no_docstring_has_a_word_that_has_gone() -> None:
    found = [(shown(path), word) for path in sources() for text in docstrings(path) for word in gone_words(text)]
    assert found == []


@pytest.mark.parametrize("document", documents(), ids=shown)
def test_no_document_has_a_word_that_has_gone(document: Path) -> None:
    assert gone_words(document.read_text()) == []


def test_the_test_finds_them(tmp_path: Path) -> None:
    module = tmp_path / "look.py"
    module.write_text('"""What it is."""\nclass Judge:\n    """A contest; see there."""\n')
    assert [name for name in names(module) if name in GONE_NAMES] == ["look", "Judge"]
    assert [text.startswith(GONE_BEGINNINGS) for text in docstrings(module)] == [True, False]
    assert [gone_words(text) for text in docstrings(module)] == [[], ["contest", "see there"]]
