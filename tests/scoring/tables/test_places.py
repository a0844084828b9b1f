"""Paths whose names have signs of an address, as paths and as addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoring.tables.places import place

NAMES = ["a%20b.csv", "a b.csv", "100%25.csv", "what?.csv", "one#two.csv", "ä;é.csv", "a::b.csv", "x=1&y=2.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_found_by_its_path_and_by_its_address(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("rows")
    (tmp_path / "a b.csv.other").write_text("others")
    for address in (str(path), path.as_uri(), f"file://{path}"):
        found = place(address)
        assert found.local == path, address
        with found.open() as file:
            assert file.read() == b"rows"


def test_a_file_that_is_not_there_yet_is_named_as_its_address_says(tmp_path: Path) -> None:
    assert place((tmp_path / "to come.csv").as_uri()).local == tmp_path / "to come.csv"
