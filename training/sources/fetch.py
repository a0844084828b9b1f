"""Sources: one of a scorecard's published data sets, fetched from a location and compared with what is published."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Literal

from aiohttp import ClientError
from fsspec.implementations.local import LocalFileSystem

from scoring.disk import raise_if_of_writing, writing
from scoring.expected import DataError
from scoring.scorecard import Scorecard, Source, SourceFile
from scoring.tables.places import Place
from scoring.tables.sniff import sniff
from training.sources import Form
from training.sources.archives import archive_name, is_archive, list_members
from training.sources.found import CHUNK, Found, FoundFile
from training.sources.locations import list_files, redacted, shown

Format = Literal["csv", "parquet"]
Tell = Callable[[str, int, int | None], None]
"""Told of progress: what is read, how many bytes more, and how many in all, None if that is not known."""


@dataclass(frozen=True)
class FetchedFile:
    """One file of a source on this machine, read to its end and compared with its published hash."""

    published: SourceFile
    name: str
    path: Path
    format: Format
    size: int
    sha256: str
    verified: bool
    """Whether it is the published file by its hash; False where none is published."""
    modified: datetime | None


@dataclass(frozen=True)
class Fetched:
    """All files of one published data set."""

    source: Source
    shown: str
    """The location without credentials."""
    form: Form
    files: tuple[FetchedFile, ...]

    @property
    def is_published(self) -> bool:
        """Whether it is the published data set: every file of which a hash is published has it, and one has."""
        hashed = [file for file in self.files if file.published.sha256 is not None]
        return bool(hashed) and all(file.verified for file in hashed)


def fetch(scorecard: Scorecard, location: str, folder: Path, tell: Tell, *, published: bool = False) -> Fetched:
    """Read the first published data set of which the location holds every file.

    A location of one file, whatever it is called, is a data set of one file. A folder, prefix or
    archive holds the published names; a Parquet file of the same stem stands in for a missing one.
    Files on this machine are read where they lie, others are written to `folder`.

    Args:
        scorecard: the product.
        location: where the files are.
        folder: where those go that are not on this machine.
        tell: told of progress.
        published: whether each file must be the published one, where a hash of it is published.

    Raises:
        DataError: a file is missing, cannot be read, or has another hash than it must have.
        CannotWriteError: `folder` cannot be written to.
    """
    told = shown(location)
    with _named(scorecard, location, folder):
        found = list_files(location, _wanted(scorecard))
        form: Form = "folder" if found.folder else "file"
        if not found.folder:
            (only,) = found.files.values()
            if only.path or is_archive(only.name):
                only = replace(only, path=_on_disk(only, folder, tell))
                assert only.path
                name = archive_name(only.path, only.name)
                found = Found({name: replace(only, name=name)}, folder=False)
                if is_archive(name):
                    form = "archive"
                    found = list_members(only.path, name, _wanted(scorecard), only.modified)
    source, chosen = _choose(scorecard, found, told)
    with _named(scorecard, location, folder):
        files = tuple(_fetch_file(published, file, folder, tell) for published, file in chosen)
    for file in files:
        if published and file.published.sha256 not in (None, file.sha256):
            which = told if form == "file" else f"{file.name} of {told}"
            raise DataError(
                f"{scorecard.name}: {which} is not the published file: its sha256 is {file.sha256}, "
                f"{source.title} has {file.published.sha256}"
            )
    return Fetched(source, told, form, files)


@contextmanager
def _named(scorecard: Scorecard, location: str, folder: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a location is read, some of it into the folder, into one line."""
    try:
        yield
    except Exception as error:  # each file system has its own exceptions
        raise_if_of_writing(error, folder)
        lines = redacted(_reason(error), location).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{scorecard.name}: cannot read {shown(location)}: {lines[0]}") from error


def _reason(error: Exception) -> str:
    if not isinstance(error, FileNotFoundError):
        return str(error)
    if error.strerror and error.strerror != os.strerror(errno.ENOENT):
        return error.strerror
    # The web's file system calls everything not found; the cause has an answer's status, or no answer.
    if isinstance(error.__cause__, ClientError) and getattr(error.__cause__, "status", None) != HTTPStatus.NOT_FOUND:
        return str(error.__cause__)
    return str(error) if " " in str(error) and not error.filename else "there is no such file or folder"


def _stand_in(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".parquet"))


def _wanted(scorecard: Scorecard) -> list[str]:
    names = [file.file_name for source in scorecard.sources for file in source.files]
    return list(dict.fromkeys([*names, *map(_stand_in, names)]))


def _choose(scorecard: Scorecard, found: Found, told: str) -> tuple[Source, list[tuple[SourceFile, FoundFile]]]:
    if not found.folder:
        (only,) = found.files.values()
        return _choose_for_one_file(scorecard, only, told)
    lacking = []
    for source in scorecard.sources:
        pairs = [
            (file, found.files.get(file.file_name) or found.files.get(_stand_in(file.file_name)))
            for file in source.files
        ]
        complete = [(file, match) for file, match in pairs if match]
        if len(complete) == len(pairs):
            return source, complete
        missing = ", ".join(file.file_name for file, match in pairs if not match)
        lacking.append(f"{source.title} lacks {missing}")
    raise DataError(f"{scorecard.name}: {told} does not hold all files of a data set: {'; '.join(lacking)}")


def _choose_for_one_file(
    scorecard: Scorecard, only: FoundFile, told: str
) -> tuple[Source, list[tuple[SourceFile, FoundFile]]]:
    singles = [(source, source.files[0]) for source in scorecard.sources if len(source.files) == 1]
    if not singles:
        names = ", ".join(file.file_name for file in scorecard.sources[0].files)
        raise DataError(f"{scorecard.name}: {told} is one file; it takes a folder, prefix or archive with {names}")
    by_name = [pair for pair in singles if only.name in (pair[1].file_name, _stand_in(pair[1].file_name))]
    source, published = (by_name or singles)[0]
    return source, [(published, only)]


def _fetch_file(published: SourceFile, found: FoundFile, folder: Path, tell: Tell) -> FetchedFile:
    path, size, digest = _read(found, folder, tell)
    packed = archive_name(path, found.name)
    if packed != found.name and is_archive(packed):  # as Kaggle sends files of some size
        inner = list_members(path, packed, [found.name], found.modified).files.get(found.name)
        if inner is None:
            raise DataError(f"{found.name} is an archive without a file of that name")
        path, size, digest = _read(replace(inner, name=f"{found.name}.unpacked"), folder, tell)
    form = sniff(Place(found.name, LocalFileSystem(), str(path)), published.encoding).form
    if form == "empty":
        raise DataError(f"{found.name} is empty")
    return FetchedFile(
        published=published,
        name=found.name,
        path=path,
        format=form,
        size=size,
        sha256=digest,
        verified=digest == published.sha256,
        modified=found.modified,
    )


def _on_disk(found: FoundFile, folder: Path, tell: Tell) -> Path:
    return found.path or _read(found, folder, tell)[0]


def _read(found: FoundFile, folder: Path, tell: Tell) -> tuple[Path, int, str]:
    """Read a file once, to `folder` unless it is on this machine; return its path, bytes and sha256."""
    digest, size = hashlib.sha256(), 0
    tell(found.name, 0, found.size)
    if found.path:
        with found.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                tell(found.name, len(chunk), found.size)
        return found.path, size, digest.hexdigest()
    path = folder / found.name
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        target = path.open("wb")
    with target:
        for chunk in found.chunks():
            with writing(path):
                target.write(chunk)
                target.flush()
            digest.update(chunk)
            size += len(chunk)
            tell(found.name, len(chunk), found.size)
    return path, size, digest.hexdigest()
