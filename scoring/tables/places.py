"""Where files are: local paths and every address that fsspec knows, such as s3://bucket/key."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fsspec
from fsspec.implementations.local import LocalFileSystem

from scoring.expected import DataError

PARQUET = ".parquet"
CSV = ".csv"
CSV_GZIP = ".csv.gz"
FILE = "file://"


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
        """The last suffix of the name, and the one before if the last is .gz; in small letters."""
        suffixes = PurePosixPath(self.path.lower()).suffixes
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
    """Return the place at an address; one without `://` is a path of this machine, whatever is in its name.

    Raises:
        DataError: no such kind of address is known, or the library for it is not installed.
    """
    try:
        return Place(address, *open_address(address))
    except (ValueError, ImportError) as error:
        raise DataError(f"cannot use {_without_secret(address)}: {one_line(error)}") from error


def open_address(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it.

    Raises:
        ValueError: no such kind of address is known.
        ImportError: the library for it is not installed.
    """
    if address.startswith(FILE):
        return LocalFileSystem(), _path_of(address)
    if "://" in address:
        system, path = fsspec.core.url_to_fs(address)
        return system, path
    # fsspec would take `a::b.csv` for two addresses.
    path = Path(address).expanduser() if address.startswith("~/") else Path(address)
    return LocalFileSystem(), str(Path.cwd() / path)


def _path_of(address: str) -> str:
    """Return the path of a `file://` address: as it stands where something is there, else as addresses are written."""
    plain = address.removeprefix(FILE)
    return plain if Path(plain).exists() else url2pathname(urlsplit(address).path)


def kind_of(path: Path) -> str:
    """Return what is at a local path in words: `file`, `folder`, or what else it is; empty if nothing is there.

    Raises:
        OSError: it cannot be told.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "link to nothing" if path.is_symlink() else ""
    kinds = {
        stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "device")


def no_file(shown: str, kind: str) -> DataError:
    """Return the error for a place that is a pipe, a device or the like."""
    return DataError(f"{shown} is a {kind}, which cannot be read more than once: save it as a file")


def one_line(error: BaseException) -> str:
    """Return an error's message on one line; its kind, if it has no message."""
    return " ".join(str(error).split()) or type(error).__name__


def _without_secret(address: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "", address)
