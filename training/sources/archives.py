"""Archives: the wanted files of a .zip, .tar.gz, .tgz or .gz file, read without unpacking the rest.

Nothing is unpacked to a path that an archive names: only bytes come out, and the caller names the
file. So no member, whatever it is called, is written outside the caller's folder.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from scoring.expected import DataError
from training.sources.found import CHUNK, Found, FoundFile, pick_wanted

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".gz")
LARGEST = 16 << 30
"""Bytes that an archive may hold unpacked: six times the largest published data set."""
ZIP_MAGIC, GZIP_MAGIC = b"PK\x03\x04", b"\x1f\x8b"
TAR_BLOCK = 512


def is_archive(name: str) -> bool:
    """Return whether a file of that name is read as an archive."""
    return name.lower().endswith(SUFFIXES)


def archive_name(path: Path, name: str) -> str:
    """Return the name with the suffix of the archive that the file is by its first bytes, without one if it is none.

    Args:
        path: the file.
        name: what it is called where it comes from.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(ZIP_MAGIC):
        return name if _is_document(path) else _with_suffix(name, ".zip")
    if head.startswith(GZIP_MAGIC):
        try:
            inner = zlib.decompressobj(wbits=31).decompress(head, TAR_BLOCK)
        except zlib.error:
            return name  # damaged, as reading it says
        if inner[257:262] == b"ustar":
            return name if name.lower().endswith(".tgz") else _with_suffix(name, ".tar.gz")
        return _with_suffix(name, ".gz")
    return name[: -len(".gz")] if name.lower().endswith(".gz") and not name.lower().endswith(".tar.gz") else name


def _is_document(path: Path) -> bool:
    """Return whether a zip file is a workbook or another document, which is no archive of files."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not {"[Content_Types].xml", "mimetype"}.isdisjoint(archive.namelist())
    except zipfile.BadZipFile:
        return False


def _with_suffix(name: str, suffix: str) -> str:
    return name if name.lower().endswith(suffix) else f"{name}{suffix}"


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
            return Found(_unique(name, _zip_members(path, wanted, modified)), folder=True)
        if lower.endswith((".tar.gz", ".tgz")):
            return Found(_unique(name, _tar_members(path, wanted, modified)), folder=True)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{name} is not a whole archive: {error}") from None
    inner = name[: -len(".gz")]
    return Found({inner: FoundFile(inner, _reader(name, partial(gzip.open, path)), None, modified)}, folder=False)


def _unique(name: str, members: Iterator[tuple[str, FoundFile]]) -> dict[str, FoundFile]:
    files: dict[str, FoundFile] = {}
    total = 0
    for wanted, member in members:
        if wanted in files:
            raise DataError(f"{name} holds two files {wanted}")
        total += member.size or 0
        if total > LARGEST:
            raise DataError(f"{name} holds more than {LARGEST >> 30} GiB unpacked")
        files[wanted] = member
    return files


def _zip_members(path: Path, wanted: Collection[str], modified: datetime | None) -> Iterator[tuple[str, FoundFile]]:
    @contextmanager
    def opened(member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            yield file

    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    names = [PurePosixPath(member.filename).name for member in members]
    for name, member, called in pick_wanted(names, members, wanted):
        # Writers that know no date put one there that is none, such as 1980-00-00.
        changed = _moment(partial(datetime, *member.date_time)) or modified
        yield name, FoundFile(called, _reader(path.name, partial(opened, member)), member.file_size, changed)


def _tar_members(path: Path, wanted: Collection[str], modified: datetime | None) -> Iterator[tuple[str, FoundFile]]:
    @contextmanager
    def opened(member: tarfile.TarInfo) -> Iterator[IO[bytes]]:
        with tarfile.open(path) as archive:
            file = archive.extractfile(member)
            assert file is not None
            yield file

    with tarfile.open(path) as archive:
        members = [member for member in archive if member.isfile()]  # no links: they may point out of the archive
    names = [PurePosixPath(member.name).name for member in members]
    for name, member, called in pick_wanted(names, members, wanted):
        changed = _moment(partial(datetime.fromtimestamp, member.mtime, UTC)) or modified
        yield name, FoundFile(called, _reader(path.name, partial(opened, member)), member.size, changed)


def _moment(made: Callable[[], datetime]) -> datetime | None:
    """Return the time in UTC, None where the archive has one that cannot be."""
    try:
        return made().astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


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
