"""The names of a table's columns as a contract knows them, where nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BLANKS = "\ufeff\u200b"
"""Characters that no reader of a header sees, next to blanks."""
INDEX = re.compile(r"__index_level_\d+__")
NAMELESS = re.compile(r"(Unnamed: \d+)?")
"""Names of columns that have none, as pandas writes them."""


@dataclass(frozen=True)
class Expected:
    """The columns that are looked for in a table."""

    of: str
    """Whose they are, as messages name it."""
    columns: Mapping[str, str]
    """The contract's column of every name that a column may go by."""

    def count(self, names: Sequence[str]) -> int:
        """Return how many of the names, as they are in a file, stand for a column."""
        by_letters = self._by_letters()
        return sum(self._name(name, by_letters) in self.columns for name in names)

    def rename(self, names: Sequence[str]) -> list[str]:
        """Return the names without blanks around them; one in other letters, of one column only, as that column's."""
        by_letters = self._by_letters()
        return [self._name(name, by_letters) for name in names]

    def _by_letters(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, column in self.columns.items():
            found.setdefault(name.casefold(), set()).add(column)
        return found

    def _name(self, name: str, by_letters: Mapping[str, set[str]]) -> str:
        stripped = name if name in self.columns else name.strip().strip(BLANKS).strip()
        if stripped in self.columns:
            return stripped
        columns = by_letters.get(stripped.casefold(), set())
        return next(iter(columns)) if len(columns) == 1 else stripped


@dataclass(frozen=True)
class Header:
    """The columns of a table, by their places in it."""

    names: tuple[tuple[int, str], ...]
    """The place and the contract's name of each column that has a name."""
    blank: tuple[int, ...]
    """The places of columns without a name, which must be empty: a comma at the end of every line makes one."""
    index: str | None
    """The column of row numbers, which is left out: as it is called, or where it stands."""

    @property
    def notes(self) -> tuple[str, ...]:
        """The sentence about a column that is left out."""
        return () if self.index is None else (f"its column {self.index} is an index, which is not read",)


def read_names(given: Sequence[str], expected: Expected) -> Header:
    """Return the columns by the names that a file gives them, in order."""
    names, blank, index = [], [], None
    for place, name in enumerate(expected.rename(given)):
        if INDEX.fullmatch(name):
            index = name
        elif not NAMELESS.fullmatch(name):
            names.append((place, name))
        elif place == 0:
            index = name or "without a name"
        else:
            blank.append(place)
    return Header(tuple(names), tuple(blank), index)
