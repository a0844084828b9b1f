"""The documents name all that the code offers, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
import typer
from pydantic import SecretStr
from typer.core import TyperGroup

from desk.app import create_app
from desk.settings import DeskSettings
from pipelines.cli import app
from scoring import scorecards
from scoring.scorecards import load, names
from serving import metric_series
from serving.dialects.routes import DOCUMENT
from serving.routes import PAGES, ROUTES
from serving.settings import PREFIX, Settings
from tests.conftest import PROJECT

REFERENCE = (PROJECT / "docs" / "reference" / "reference.md").read_text()
README = (PROJECT / "README.md").read_text()
SCORECARDS = PROJECT / "docs" / "reference" / "scorecards"
MADE = ("loadtests/results/",)
"""Folders that commands make, so a fresh clone has none of them."""
DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    context = typer.Context(app)
    commands = {name: app.get_command(context, name) for name in app.list_commands(context)}
    full = {
        f"{name} {part}".strip()
        for name, command in commands.items()
        for part in (command.list_commands(context) if isinstance(command, TyperGroup) else [""])
    }
    assert set(re.findall(r"^\| `scorebox ([\w -]+)`", REFERENCE, re.MULTILINE)) == full
    for document in DOCUMENTS:
        assert set(re.findall(r"scorebox ([a-z]+) ", document.read_text())) <= {*commands, "can"}, document.name


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `SCOREBOX_(\w+)` \| .* \| (.*) \|$", REFERENCE, re.MULTILINE))
    desk = {f"DESK_{name.upper()}" for name in DeskSettings.model_fields}
    assert set(documented) == {name.upper() for name in Settings.model_fields} | desk
    for name, field in Settings.model_fields.items():
        shown = documented[name.upper()].strip("`")
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            number = float(shown.removesuffix(" MiB")) * (1 << 20 if shown.endswith("MiB") else 1)
            assert number == field.default, name


def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    served = re.findall(r'"(scorebox_\w+)"', Path(metric_series.__file__).read_text())
    sources = [path.read_text() for path in (PROJECT / "pipelines").rglob("*.py")]
    published = [name for source in sources for name in re.findall(r'Gauge\(\s*"(scorebox_\w+)"', source)]
    assert set(re.findall(r"^\| `(scorebox_\w+)`", REFERENCE, re.MULTILINE)) == {*served, *published}


def test_every_route_is_documented() -> None:
    for route in (*ROUTES, *PAGES):
        assert f"`{route.path}`" in REFERENCE or f" {route.path}`" in REFERENCE, route.path


def test_every_route_of_the_desk_is_documented_and_every_documented_one_exists() -> None:
    app = create_app(DeskSettings(database=SecretStr("postgresql:///desk"), secret=SecretStr("x" * 32)))
    declared = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    page = (PROJECT / "docs" / "reference" / "desk.md").read_text()
    assert set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)`", page)) - {"GET /openapi.json"} == declared


@pytest.mark.parametrize("name", scorecards.names())
def test_every_route_of_a_dialect_is_documented(name: str) -> None:
    page = (PROJECT / "docs" / "how-to" / "dialects.md").read_text()
    for dialect in scorecards.load(name).dialects:
        for path in (*dialect.paths.values(), DOCUMENT):
            assert f" {dialect.prefix}{path}`" in page, path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_files_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (document.parent / target).exists(), target
    for path in re.findall(r"`((?:scoring|training|pipelines|serving|loadtests|tests|docs)/[\w/]*(?:\.\w+)?)`", text):
        assert path.startswith(MADE) or (PROJECT / path).exists(), path


def test_make_targets_that_the_documents_name_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        for line in re.findall(r"^\s*make ([a-z ]+)", document.read_text(), re.MULTILINE):
            assert set(line.split()) <= targets, document.name


def test_the_readme_says_in_ten_lines_what_it_is_and_for_whom_and_then_how_to_start() -> None:
    opening = README.splitlines()[:10]
    commands = [line.split("#")[0].strip() for line in opening if line.startswith("    make ")]
    assert commands == ["make serve", "make test"]
    said = " ".join(opening[: next(number for number, line in enumerate(opening) if line.startswith("    make "))])
    assert "trains credit scorecards" in said
    assert "It is for lenders" in said


@pytest.mark.parametrize("name", names())
def test_the_pages_of_scorecards_begin_with_the_same_headings(name: str) -> None:
    headings = re.findall(r"^## (.+)$", (SCORECARDS / f"{name}.md").read_text(), re.MULTILINE)
    assert headings[:5] == ["The data", "A request", "The decision", "In the graph", "Figures"]


@pytest.mark.parametrize("document", [PROJECT / "README.md", *(SCORECARDS / f"{name}.md" for name in names())])
def test_the_first_request_of_a_document_is_its_scorecard_s_example(document: Path) -> None:
    """Without the protected fields, which a request need not have."""
    body = re.search(r"-d '(\{.*?\})'", document.read_text(), re.DOTALL)
    assert body
    card = load("card_default" if document.stem == "README" else document.stem)
    sent = orjson.loads(body[1])
    assert card.request_model([]).model_validate(sent)
    assert sent == {column: value for column, value in card.example.items() if column not in card.protected}


def test_params_hold_every_scorecard() -> None:
    from pipelines.params import read_params

    assert set(read_params(PROJECT / "params.yaml").scorecards) == set(names())
    assert PREFIX == "SCOREBOX_"
