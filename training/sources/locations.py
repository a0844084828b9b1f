"""Locations: which of the wanted files are at a path, URL, bucket, DVC repository or Kaggle page, and their bytes."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from scoring.expected import DataError
from scoring.tables.places import kind_of, no_file, open_address
from training.sources.found import CHUNK, Found, FoundFile, pick_wanted
from training.sources.kaggle_files import kaggle_files

AZURE = ("az://", "abfs://")
AZURE_ACCOUNT = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_NAME")
DVC = "dvc://"
KAGGLE = "kaggle://"
WEB = ("http://", "https://")
SILENCE = 60
"""Seconds without a byte after which a web server is given up."""


def list_files(location: str, wanted: Collection[str]) -> Found:
    """Find the wanted files at a location without reading them.

    Args:
        location: a path; `https://`, `s3://`, `az://` or any other URL that fsspec reads;
            `dvc://REPOSITORY#[REVISION:]PATH`; `kaggle://competitions/NAME` or `kaggle://datasets/OWNER/NAME`.
        wanted: file names, without folders.

    Raises:
        Exception: whatever the file system raises; each has its own kinds.
    """
    if location.startswith(KAGGLE):
        return Found(kaggle_files(location.removeprefix(KAGGLE), wanted), folder=True)
    if location.startswith(WEB):
        return _list_web_files(location, wanted)
    if location.startswith(DVC):
        system, path = _dvc(location.removeprefix(DVC))
    else:
        if location.startswith(AZURE):
            _require_azure_credentials()
        system, path = open_address(location)
    if isinstance(system, LocalFileSystem):
        return _list_local_files(system, Path(path), wanted)
    if not system.isdir(path):
        return Found({PurePosixPath(path).name: _found(system, path)}, folder=False)
    paths = [entry["name"] for entry in system.ls(path, detail=True) if entry["type"] == "file"]
    names = [PurePosixPath(path).name for path in paths]
    return _folder((name, _found(system, path)) for name, path, _ in pick_wanted(names, paths, wanted))


def _list_local_files(system: Any, path: Path, wanted: Collection[str]) -> Found:
    """Find files on this machine; a link is what it leads to.

    Raises:
        DataError: the path, or a wanted one in it, is a pipe, a device or the like.
    """
    kind = kind_of(path)
    if kind != "folder":
        if kind not in ("file", ""):
            raise no_file(path.name, kind)
        return Found({path.name: _found(system, str(path))}, folder=False)
    paths = [entry for entry in sorted(path.iterdir()) if kind_of(entry) != "folder"]
    picked = list(pick_wanted([entry.name for entry in paths], paths, wanted))
    for _, found, called in picked:
        if (kind := kind_of(found)) != "file":
            raise no_file(called, kind)
    return _folder((name, _found(system, str(found))) for name, found, _ in picked)


def _folder(found: Iterator[tuple[str, FoundFile]]) -> Found:
    """Return the wanted files of a folder.

    Raises:
        DataError: two of them have one wanted name in other letters.
    """
    files: dict[str, FoundFile] = {}
    for name, file in found:
        if name in files:
            raise DataError(f"{files[name].name} and {file.name} are one name in other letters")
        files[name] = file
    return Found(files, folder=True)


def _list_web_files(location: str, wanted: Collection[str]) -> Found:
    """Find files on the web; a URL with a slash at its end is a folder, of which each wanted name is asked for.

    Few servers list their folders.
    """
    from aiohttp import ClientTimeout

    # The client's own limit is five minutes for the whole of a file.
    limits = ClientTimeout(sock_connect=SILENCE, sock_read=SILENCE)
    system, path = fsspec.core.url_to_fs(location, client_kwargs={"timeout": limits})
    parts = urlsplit(path)
    if not parts.path.endswith("/"):
        return Found({PurePosixPath(unquote(parts.path)).name: _found(system, path)}, folder=False)
    files = {}
    for name in wanted:
        try:
            files[name] = _found(system, urlunsplit(parts._replace(path=parts.path + name)))
        except FileNotFoundError as error:  # whatever went wrong; the cause tells
            if getattr(error.__cause__, "status", None) != HTTPStatus.NOT_FOUND:
                raise
    return Found(files, folder=True)


def _require_azure_credentials() -> None:
    """Check that there are Azure credentials.

    Without them its library would ask this machine's network for an identity for more than a minute.
    """
    if not any(os.environ.get(name) for name in AZURE_ACCOUNT):
        raise DataError(f"no Azure credentials: set {' or '.join(AZURE_ACCOUNT)}; see docs/how-to/data.md")
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # what it warns of is in its error too


def _dvc(location: str) -> tuple[Any, str]:
    """Return DVC's file system of a repository, and the path in it; `REVISION:PATH` is Git's notation."""
    from dvc.api import DVCFileSystem
    from dvc.scm import CloneError

    repository, separator, path = location.rpartition("#")
    if not separator or not repository or not path:
        raise ValueError("a DVC location reads dvc://REPOSITORY#PATH or dvc://REPOSITORY#REVISION:PATH")
    revision, separator, rest = path.rpartition(":")
    system = DVCFileSystem(repository, rev=revision or None)
    try:
        assert system.repo  # opens it, or clones it first
    except CloneError:
        raise DataError(f"there is no DVC repository {repository}") from None
    return system, "/" + rest.strip("/")


def _found(system: Any, path: str) -> FoundFile:
    """Describe one file.

    Raises:
        FileNotFoundError: there is none; or whatever the file system raises for it.
    """
    info = system.info(path)
    size: int | None = info.get("size")

    def chunks() -> Iterator[bytes]:
        # Without blocks the web is read in one request: many servers offer no ranges.
        options = {"block_size": 0} if path.startswith(WEB) else {}
        count = 0
        with system.open(path, "rb", **options) as file:
            while chunk := file.read(CHUNK):
                count += len(chunk)
                yield chunk
        if size is not None and count != size:
            raise OSError(f"it ended after {count:,} of {size:,} bytes")

    return FoundFile(
        name=PurePosixPath(unquote(urlsplit(path).path) if path.startswith(WEB) else path).name,
        chunks=chunks,
        size=size,
        modified=_modified(system, path, info),
        path=Path(path) if isinstance(system, LocalFileSystem) else None,
    )


def _modified(system: Any, path: str, info: Mapping[str, Any]) -> datetime | None:
    if header := info.get("Last-Modified"):
        return parsedate_to_datetime(header).astimezone(UTC)
    try:
        modified = system.modified(path)
    except (NotImplementedError, AttributeError, KeyError):  # file systems without such a time
        return None
    return modified.astimezone(UTC) if isinstance(modified, datetime) else None


def shown(location: str) -> str:
    """Return the location as it may be told to others: a URL without user name, password, query, where tokens are."""
    without_user = re.sub(r"://[^/?#]*@", "://", location)
    return re.sub(r"\?[^#]*", "", without_user) if "://" in location else location


def redacted(text: str, location: str) -> str:
    """Return a file system's message without what `shown` leaves out of the location."""
    text = text.replace(location, shown(location))
    if "://" not in location:
        return text
    users = re.findall(r"://([^/?#]*)@", location)
    query = urlsplit(location.removeprefix(DVC)).query
    values = [pair.partition("=")[2] for pair in query.split("&")]
    secrets = {*(f"{user}@" for user in users), query, *values, *(user.partition(":")[2] for user in users)}
    # The longest first, since it holds others; a short one would take letters out of every word.
    for secret in sorted(secrets | set(map(unquote, secrets)), key=len, reverse=True):
        text = text.replace(secret, "…") if len(secret) > 3 else text
    return text
