"""docs/reference/api.md, example by example: whole answers of a real server, and no route without one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.routes import PAGES, ROUTES
from tests.conftest import PROJECT
from tests.e2e.server import Server, serve

PAGE = (PROJECT / "docs" / "reference" / "api.md").read_text()
# A busy machine may need longer than the default.
PAGE = PAGE.replace('"request_timeout_seconds": 4.0', '"request_timeout_seconds": 60.0')
TOKEN = "a-token-of-the-page"
ANYTHING = "..."
EXAMPLES = re.findall(r"```sh\n(.*?)```\n(?:\n```(?:json|text)\n(.*?)```\n)?", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def answering(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nothing else asks: one answer of the page depends on those before."""
    home = Path(shutil.copytree(toy_store, tmp_path_factory.mktemp("api") / "home"))
    with serve(home, SCOREBOX_RELOAD_TOKEN=TOKEN) as server:
        yield server


def differences(shown: Any, got: Any, where: str = "") -> Iterator[str]:
    """Where an answer is not what the page shows; figures may differ by the last digits of a float32."""
    if shown == ANYTHING and isinstance(got, str):
        return
    if isinstance(shown, dict) and isinstance(got, dict):
        if list(shown) != list(got):
            yield f"{where}: {list(got)} instead of {list(shown)}"
        for name in shown.keys() & got.keys():
            yield from differences(shown[name], got[name], f"{where}.{name}")
    elif isinstance(shown, list) and isinstance(got, list):
        if len(shown) != len(got):
            yield f"{where}: {len(got)} instead of {len(shown)}"
        if where.endswith(".contributions"):
            # Those that are nothing but rounding have no order.
            shown, got = (sorted(some, key=lambda one: str(one["code"])) for some in (shown, got))
        for number, (one, other) in enumerate(zip(shown, got, strict=False)):
            yield from differences(one, other, f"{where}[{number}]")
    elif isinstance(shown, float) and isinstance(got, float):
        if got != pytest.approx(shown, rel=1e-5, abs=1e-6):
            yield f"{where}: {got} instead of {shown}"
    elif type(shown) is not type(got) or shown != got:
        yield f"{where}: {got!r} instead of {shown!r}"


def against_text(shown: str, got: str) -> bool:
    return re.fullmatch(re.escape(shown.strip()).replace(re.escape(ANYTHING), r"\S+?"), got.strip()) is not None


def test_every_example_gives_the_answer_that_the_page_shows(answering: Server, tmp_path: Path) -> None:
    assert len(EXAMPLES) == 13
    for commands, shown in EXAMPLES:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands.replace("127.0.0.1:3000", f"127.0.0.1:{answering.port}")],
            cwd=tmp_path, env={**os.environ, "SCOREBOX_RELOAD_TOKEN": TOKEN},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        if shown.startswith("{"):
            assert list(differences(json.loads(shown), json.loads(done.stdout))) == [], commands
        else:
            assert against_text(shown, done.stdout), (commands, done.stdout)


def test_every_route_has_an_example() -> None:
    headings = " ".join(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
    assert set(re.findall(r"`(\w+ /[\w.]*)`", headings)) == {
        f"{route.methods[0]} {route.path}" for route in (*ROUTES, *PAGES)
    }


@pytest.mark.parametrize(
    ("shown", "got"),
    [
        ({"pd": 0.5}, {"pd": 0.50001}),
        ({"pd": 0.5}, {"pd": 0.5, "more": 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"reasons": [1]}, {"reasons": []}),
        ({"id": "..."}, {"id": 5}),
        ({"found": True}, {"found": 1}),
        ({"code": "A"}, {"code": "B"}),
    ],
)
def test_an_answer_that_differs_is_found(shown: Any, got: Any) -> None:
    assert list(differences(shown, got)) != []
    assert list(differences(shown, shown)) == []
