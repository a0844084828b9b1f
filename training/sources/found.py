"""Hold files that were found at a location, before their bytes are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

CHUNK = 1 << 20
"""Bytes that are read at a time."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class FoundFile:
    """A file at a location; `chunks` reads its bytes from the beginning."""

    name: str
    chunks: Callable[[], Iterator[bytes]]
    size: int | None
    """In bytes, as far as the file system tells."""
    modified: datetime | None
    path: Path | None = None
    """Where it lies, if on this machine."""


@dataclass(frozen=True)
class Found:
    """The wanted files at a location, by the wanted name, or the one file that the location names."""

    files: Mapping[str, FoundFile]
    folder: bool


def pick_wanted(
    names: Sequence[str], items: Sequence[Item], wanted: Collection[str]
) -> Iterator[tuple[str, Item, str]]:
    """Yield each item of a wanted name, with that name and its own.

    An item in other letters, such as `BUREAU.CSV`, counts where no item has the wanted name itself.
    """
    exact = {name for name in names if name in wanted}
    others = {name.casefold(): name for name in wanted if name not in exact}
    for name, item in zip(names, items, strict=True):
        if name in exact:
            yield name, item, name
        elif name.casefold() in others:
            yield others[name.casefold()], item, name
