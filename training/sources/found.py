"""Hold files that were found at a location, before their bytes are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

CHUNK = 1 << 20
"""Bytes that are read at a time."""


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
    """The wanted files at a location, by name, or the one file that the location names."""

    files: Mapping[str, FoundFile]
    folder: bool
