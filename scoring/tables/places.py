"""Where files are: local paths and every address that fsspec knows, such as s3://bucket/key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from scoring.expected import DataError

PARQUET = ".parquet"
CSV = ".csv"
CSV_GZIP = ".csv.gz"


@dataclass(frozen=True)
class Place:
    """An address, and the file system that it is of."""

    address: str
    system: Any = field(repr=False, compare=False)
    path: str

    @property
    def shown(self) -> str:
        """The address without a user's name and password."""
        return _without_secret(self.address)

    @property
    def local(self) -> Path | None:
        """The path, if it is one of this machine."""
        return Path(self.path) if isinstance(self.system, LocalFileSystem) else None

    @property
    def suffix(self) -> str:
        """The kind of file by its name: the last suffix, and the one before if the last is .gz."""
        suffixes = PurePosixPath(self.path).suffixes
        return "".join(suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:])

    def open(self) -> Any:
        """Open the file for reading by position, without a cache: columns lie far apart."""
        return self.system.open(self.path, "rb", **({} if self.local else {"cache_type": "none"}))

    @property
    def absolute(self) -> str:
        """The address from any folder."""
        return self.address if self.local is None else self.path

    def sibling(self, path: str) -> Place:
        """Return another path of the same file system."""
        return Place(self.system.unstrip_protocol(path) if self.local is None else path, self.system, path)


def place(address: str) -> Place:
    """Return the place at an address.

    Raises:
        DataError: no such kind of address is known, or the library for it is not installed.
    """
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise DataError(f"cannot use {_without_secret(address)}: {one_line(error)}") from error
    return Place(address, system, path)


def one_line(error: BaseException) -> str:
    """Return an error's message on one line; its kind, if it has no message."""
    return " ".join(str(error).split()) or type(error).__name__


def _without_secret(address: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "", address)
