"""The site of docs/ builds without a warning and loads nothing from another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.conftest import PROJECT

LOADED = {"src", "srcset", "poster", "data"}
"""Attributes by which any element loads something; `href` does so in `link` only."""
UNLOADED = {"canonical", "edit", "next", "prev"}
"""Links of a page's head to other pages."""
ELSEWHERE = re.compile(r"(?:https?:)?//")


class Assets(HTMLParser):
    """Collect the addresses that a browser loads for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [value for name, value in given.items() if name in LOADED]
        if tag == "link" and given.get("rel") not in UNLOADED:
            self.found.append(given.get("href", ""))


def loaded_from_elsewhere(site: Path) -> Iterator[str]:
    """Yield `file: address` for whatever pages and style sheets load from another host."""
    for path in sorted(site.rglob("*.html")):
        page = Assets()
        page.feed(path.read_text())
        yield from (f"{path.name}: {address}" for address in page.found if ELSEWHERE.match(address))
    for path in sorted(site.rglob("*.css")):
        addresses = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s]+)", path.read_text())
        yield from (f"{path.name}: {address}" for address in addresses if ELSEWHERE.match(address))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    # The theme advertises its successor otherwise.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_has_every_page_of_docs(site: Path) -> None:
    pages = [path.relative_to(PROJECT / "docs") for path in (PROJECT / "docs").rglob("*.md")]
    folders = {page: page.parent if page.stem == "index" else page.with_suffix("") for page in pages}
    assert [page for page, folder in folders.items() if not (site / folder / "index.html").exists()] == []


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    assert list(loaded_from_elsewhere(site)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.html", '<script src="https://cdn.example/a.js"></script>'),
        ("page.html", '<link rel="stylesheet" href="//fonts.example/css">'),
        ("page.html", '<img src="http://images.example/a.png">'),
        ("style.css", "@import 'https://fonts.example/css';"),
        ("style.css", "a { background: url(https://images.example/a.png) }"),
    ],
)
def test_what_is_loaded_from_another_host_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert len(list(loaded_from_elsewhere(tmp_path))) == 1


def test_a_link_to_another_site_may_stay(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<a href="https://example.org/">a paper</a>')
    assert list(loaded_from_elsewhere(tmp_path)) == []


@pytest.mark.slow
def test_the_settings_ask_for_no_fonts_and_no_outside_parts() -> None:
    settings = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())
    assert settings["theme"]["font"] is False
    assert "extra_javascript" not in settings
