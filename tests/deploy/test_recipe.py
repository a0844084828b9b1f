"""Images are made from packages that are pinned, hashed, and the same as what is tested."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.conftest import PROJECT

RECIPE = PROJECT / "deploy" / "image"
PINS = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
EXTRAS = {"serve.txt": ("serve",), "ship.txt": ("serve", "ship"), "watch.txt": ("serve", "watch")}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    return {plain(name): version for name, version in PINS.findall(text)}


@pytest.mark.parametrize("name", EXTRAS)
def test_what_an_image_installs_is_pinned_to_the_versions_that_are_tested(name: str) -> None:
    locked, tested = pins((RECIPE / name).read_text()), pins((PROJECT / "constraints.txt").read_text())
    # Python 3.11.0 to 3.11.2 need it; the tests may run on a newer one.
    locked.pop("async-timeout", None)
    assert locked == {package: tested.get(package) for package in locked}


@pytest.mark.parametrize(("name", "extras"), EXTRAS.items())
def test_an_image_installs_all_packages_of_its_extras(name: str, extras: tuple[str, ...]) -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {plain(re.split(r"[\[<>=;]", package)[0]) for extra in extras for package in declared[extra]}
    assert wanted <= pins((RECIPE / name).read_text()).keys()


@pytest.mark.parametrize("name", EXTRAS)
def test_every_pin_has_a_hash_and_no_index_is_named(name: str) -> None:
    text = (RECIPE / name).read_text()
    entries = re.split(r"\n(?=\S)", text.partition("make requirements\n")[2].strip())
    assert len(entries) == len(pins(text))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
