"""Errors of files that cannot be written, in one line that names them.

Only some error numbers say by themselves that writing failed, and Python names no file where a write, not an opening,
fails. So whoever writes says to where: `writing`.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a disk, a quota or a file that has no room left."""
OF_WRITING = FULL | {errno.EROFS}
"""Error numbers that only writing has."""


class CannotWriteError(OSError):
    """A file or folder cannot be written; `filename` says which, `strerror` why."""

    def __str__(self) -> str:
        return f"cannot write {self.filename}: {self.strerror}"


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn an error of the operating system in this block, which does nothing but write there, into one that says so.

    Raises:
        CannotWriteError: the path cannot be written.
    """
    try:
        yield
    except CannotWriteError:
        raise
    except OSError as error:
        raise CannotWriteError(error.errno, reason(error), str(path)) from error


def raise_if_of_writing(error: BaseException, path: Path | str) -> None:
    """Raise what names the path, if the error says that there is no room or no right to write there.

    For those who read one file and write another in one go, and take every other error for one of what they read.

    Raises:
        CannotWriteError: it says so.
    """
    if isinstance(error, CannotWriteError):
        raise error
    if isinstance(error, OSError) and error.errno in OF_WRITING:
        raise CannotWriteError(error.errno, reason(error), str(path)) from error


def describe(error: OSError) -> str | None:
    """Return one line for a user; None for an error of no file that a user could mend."""
    if isinstance(error, CannotWriteError):
        return str(error)
    if isinstance(error, shutil.Error) and error.args:
        # Of a folder that was copied: the file here, the file there, and why.
        *_, target, why = error.args[0][0]
        return f"cannot write {target}: {why}"
    # Of two paths the second is written.
    named = error.filename2 or error.filename
    if error.errno in OF_WRITING:
        somewhere = f"a file in {Path.cwd()} or {tempfile.gettempdir()}"
        return f"cannot write {_shown(named) if named else somewhere}: {reason(error)}"
    if error.filename is None:
        return None
    if error.errno in {errno.EACCES, errno.EPERM}:
        denied = _shown(error.filename)
        return f"cannot {'read' if _is_unreadable(denied) else 'write'} {denied}: {reason(error)}"
    return f"{_shown(error.filename)}: {reason(error)}"


def reason(error: OSError) -> str:
    """Return why, in the system's words: a library's may be several lines."""
    if error.errno in OF_WRITING:
        return os.strerror(error.errno)
    return (error.strerror or str(error)).splitlines()[0]


def _shown(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else str(name)


def _is_unreadable(path: str) -> bool:
    """Return whether a file or folder is there that cannot be read, or whose folder cannot be looked into."""
    try:
        Path(path).stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return not os.access(path, os.R_OK)
