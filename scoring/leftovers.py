"""Files and folders in the making: locked by who makes them, so that those of a killed process are told apart.

The kernel drops a lock with its process, whatever ends it. Whoever makes the next file or folder of the same name
deletes those that nobody holds. Systems other than Linux, and file systems without locks, keep them.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scoring.disk import writing

LONGEST_NAME = 100
"""Characters of a name that what is made under another one keeps of it; a file system allows 255 bytes."""
# On macOS such a lock would keep SQLite out of its own file.
LOCKS = sys.platform == "linux"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def make_file(folder: Path, name: str, mode: int) -> tuple[Path, int]:
    """Make an empty file `.<name>.<token>`, and delete those of killed processes.

    Returns:
        The file, and the descriptor that holds it: to be closed when the file is renamed or deleted.

    Raises:
        OSError: the file cannot be made.
    """
    name = f".{name[:LONGEST_NAME]}"
    delete_abandoned(folder, name)
    while True:
        file = _named(folder, name)
        try:
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        except FileExistsError:
            continue
        if _hold(descriptor):
            return file, descriptor
        os.close(descriptor)


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Make a folder `<name>.<token>` that is gone when the block ends, and delete those of killed processes.

    Raises:
        CannotWriteError: the folder cannot be made.
    """
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        delete_abandoned(parent, name)
        folder, descriptor = _make_folder(parent, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def delete_abandoned(folder: Path, name: str) -> None:
    """Delete this user's files and folders `<name>.<token>` that no process holds."""
    if not LOCKS:
        return
    pattern = re.compile(re.escape(name) + r"\.[0-9a-f]{8}")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if pattern.fullmatch(entry.name)]:
            with suppress(OSError):
                _delete_if_abandoned(entry)


def _make_folder(parent: Path, name: str) -> tuple[Path, int]:
    while True:
        folder = _named(parent, name)
        try:
            folder.mkdir(mode=0o700)
            descriptor = os.open(folder, _FOLDER)
        except (FileExistsError, FileNotFoundError):
            continue
        if _hold(descriptor):
            return folder, descriptor
        os.close(descriptor)


def _named(folder: Path, name: str) -> Path:
    return folder / f"{name}.{secrets.token_hex(4)}"


def _delete_if_abandoned(entry: os.DirEntry[str]) -> None:
    is_folder = entry.is_dir(follow_symlinks=False)
    if entry.is_symlink() or entry.stat(follow_symlinks=False).st_uid != os.geteuid():
        return
    descriptor = os.open(entry.path, _FOLDER if is_folder else _FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    finally:
        os.close(descriptor)


def _hold(descriptor: int) -> bool:
    """Lock what was just made; return False if another process deletes it as abandoned."""
    if not LOCKS:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks on this file system, so nobody deletes anything
        return True
    return os.fstat(descriptor).st_nlink > 0
