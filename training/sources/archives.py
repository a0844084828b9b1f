"""Archives: the wanted files of a .zip, .tar.gz, .tgz or .gz file, read without unpacking the rest.

Nothing is unpacked to a path that an archive names: only bytes come out, and the caller names the
file. So no member, whatever it is called, is written outside the caller's folder.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from scoring.expected import DataError
from training.sources.found import CHUNK, Found, FoundFile

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".gz")
LARGEST = 16 << 30
"""Bytes that an archive may hold unpacked: six times the largest published data set."""


def is_archive(name: str) -> bool:
    """Return whether a file of that name is read as an archive."""
    return name.lower().endswith(SUFFIXES)


def list_members(path: Path, name: str, wanted: Collection[str], modified: datetime | None) -> Found:
    """Return the wanted files of an archive; a .gz file is the one file in it.

    Args:
        path: the archive.
        name: what it is called where it comes from; decides its kind.
        wanted: file names, without folders.
        modified: time of the archive, for members that have none.

    Raises:
        DataError: it is damaged, holds two files of one wanted name, or more than `LARGEST` bytes.
    """
    lower = name.lower()
    try:
        if lower.endswith(".zip"):
            return Found(_unique(name, _zip_members(path, wanted)), folder=True)
        if lower.endswith((".tar.gz", ".tgz")):
            return Found(_unique(name, _tar_members(path, wanted)), folder=True)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{name} is not a whole archive: {error}") from None
    inner = name[: -len(".gz")]
    return Found({inner: FoundFile(inner, _reader(name, partial(gzip.open, path)), None, modified)}, folder=False)


def _unique(name: str, members: Iterator[FoundFile]) -> dict[str, FoundFile]:
    files: dict[str, FoundFile] = {}
    total = 0
    for member in members:
        if member.name in files:
            raise DataError(f"{name} holds two files {member.name}")
        total += member.size or 0
        if total > LARGEST:
            raise DataError(f"{name} holds more than {LARGEST >> 30} GiB unpacked")
        files[member.name] = member
    return files


def _zip_members(path: Path, wanted: Collection[str]) -> Iterator[FoundFile]:
    @contextmanager
    def opened(member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            yield file

    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = PurePosixPath(member.filename).name
            if name in wanted and not member.is_dir():
                modified = datetime(*member.date_time).astimezone(UTC)
                yield FoundFile(name, _reader(path.name, partial(opened, member)), member.file_size, modified)


def _tar_members(path: Path, wanted: Collection[str]) -> Iterator[FoundFile]:
    @contextmanager
    def opened(member: tarfile.TarInfo) -> Iterator[IO[bytes]]:
        with tarfile.open(path) as archive:
            file = archive.extractfile(member)
            assert file is not None
            yield file

    with tarfile.open(path) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if name in wanted and member.isfile():  # no links: they may point out of the archive
                modified = datetime.fromtimestamp(member.mtime, UTC)
                yield FoundFile(name, _reader(path.name, partial(opened, member)), member.size, modified)


def _reader(
    name: str, opened: Callable[[], AbstractContextManager[IO[bytes] | gzip.GzipFile]]
) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        count = 0
        with opened() as file:
            while chunk := file.read(CHUNK):
                count += len(chunk)
                if count > LARGEST:  # whatever size it declares
                    raise DataError(f"{name} holds more than {LARGEST >> 30} GiB unpacked")
                yield chunk

    return chunks
