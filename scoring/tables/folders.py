"""The files below a folder: all of them, or an error that names what cannot be listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scoring.expected import DataError
from scoring.tables.places import Place, kind_of, no_file, one_line


@dataclass(frozen=True)
class Listing:
    """The files at a place, in order of their paths."""

    files: list[Place]
    markers: list[Place]
    """Files and folders whose names begin with `_` or `.`: _SUCCESS, or what is still written."""
    folder: Place | None
    """The place, if it is a folder."""


def list_files(root: Place) -> Listing:
    """Return the file at a place; or, of a folder, those in it and in its folders.

    Raises:
        DataError: there is nothing, or a folder in it cannot be listed, or something is no file.
    """
    try:
        return _list_local(root, root.local) if root.local is not None else _list_remote(root)
    except DataError:
        raise
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else root.shown
        raise DataError(f"cannot read {where}: {error.strerror or one_line(error)}") from error
    except Exception as error:  # each file system behind fsspec has its own exceptions
        raise DataError(f"cannot read {root.shown}: {one_line(error)}") from error


def _list_local(root: Place, path: Path) -> Listing:
    kind = kind_of(path)
    if kind == "file":
        return Listing([root], [], None)
    if not kind:
        raise DataError(f"there is no {root.shown}")
    if kind != "folder":
        raise no_file(root.shown, kind)
    return _parted(root, sorted(str(found) for found in _below(path, ())))


def _below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files below a folder, those behind linked folders as well."""
    real = folder.resolve()
    if real in above:
        raise DataError(f"{folder} leads back to a folder that it is in")
    with os.scandir(folder) as entries:
        paths = [Path(entry.path) for entry in entries]
    for path in paths:
        kind = "file" if path.name.startswith(("_", ".")) else kind_of(path)
        if kind == "folder":
            yield from _below(path, (*above, real))
        elif kind == "file":
            yield path
        elif kind:  # else it has gone meanwhile
            raise no_file(str(path), kind)


def _list_remote(root: Place) -> Listing:
    if not root.system.isdir(root.path):
        if not root.system.exists(root.path):
            raise DataError(f"there is no {root.shown}")
        return Listing([root], [], None)
    return _parted(root, sorted(path for path in root.system.find(root.path) if not path.endswith("/")))


def _parted(root: Place, paths: list[str]) -> Listing:
    files: list[Place] = []
    markers: list[Place] = []
    for path in paths:
        hidden = any(part.startswith(("_", ".")) for part in path[len(root.path) :].split("/"))
        (markers if hidden else files).append(root.sibling(path))
    return Listing(files, markers, root)
