"""Files that are whole or not there at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scoring.disk import CannotWriteError, writing
from scoring.expected import DataError
from scoring.leftovers import make_file

PRIVATE = 0o600
"""The mode of a file that only its owner can read."""


@dataclass(frozen=True)
class FileAside:
    """A file that becomes the one at `target` as a whole, or never."""

    file: Path
    target: Path
    mode: int | None
    """Mode of the file that it replaces; None for a new one, which has the umask's."""
    path: Path
    """The target as it was named, for messages."""

    def publish(self) -> None:
        """Flush the file to disk and rename it to its target, over an older one.

        Raises:
            CannotWriteError: the target cannot be written; what was there is there still.
        """
        with writing(self.path):
            with self.file.open("rb") as written:
                os.fsync(written.fileno())
            if self.mode is not None:
                self.file.chmod(self.mode)
            self.file.replace(self.target)


@contextmanager
def file_aside(path: Path, *, private: bool = False) -> Iterator[FileAside]:
    """Make an empty file next to `path`, and missing parent folders; unless published, it is gone when the block ends.

    A link is written through. A new file follows the umask, a replaced one hands on its mode. What a killed process
    left of the same file is deleted.

    Args:
        path: where the file goes.
        private: whether only its owner may read it, whatever was there.

    Raises:
        CannotWriteError: the file cannot be made, or `path` is a folder, device or pipe; `filename` says which path.
    """
    target = Path(os.path.realpath(path))
    with writing(path):
        mode = _mode_of(target)
        if private:
            mode = PRIVATE
        target.parent.mkdir(parents=True, exist_ok=True)
        file, descriptor = make_file(target.parent, target.name, 0o666 if mode is None else PRIVATE)
    try:
        yield FileAside(file, target, mode, path)
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)


def _mode_of(target: Path) -> int | None:
    """Return the mode of the file that is there, None if there is none."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a device, pipe or socket, not a file")
    return stat.S_IMODE(found.st_mode)


def write_atomically(path: Path, content: bytes | str, *, private: bool = False) -> None:
    """Write next to `path`, flush to disk, then rename there; make missing parent folders.

    Args:
        path: where the file goes.
        content: what it holds.
        private: as `file_aside` has it.

    Raises:
        CannotWriteError: it cannot be written; `filename` says which path.
    """
    data = content.encode() if isinstance(content, str) else content
    with file_aside(path, private=private) as aside, writing(path):
        aside.file.write_bytes(data)
        aside.publish()


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_replaceable(path: Path) -> None:
    """Replace a file by a copy of itself, so that what forbids that is known before anything depends on it.

    Nothing but the attempt tells: a bind mount and an immutable file look like any other.

    Raises:
        CannotWriteError: it cannot be replaced, or made where it is not there; `filename` says which path.
    """
    with file_aside(path) as aside, writing(path):
        if aside.target.exists():
            aside.file.write_bytes(aside.target.read_bytes())
            aside.publish()


def remove_file(path: Path) -> bool:
    """Delete a file, or the one that a link leads to: the link stays. Return False if there was none.

    Raises:
        CannotWriteError: it cannot be deleted.
    """
    try:
        with writing(path):
            Path(os.path.realpath(path)).unlink()
    except CannotWriteError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def is_same_file(first: Path, second: Path) -> bool:
    """Return whether two paths lead to one file, or would: through links, `..` or a second name of the same file."""
    if os.path.realpath(first) == os.path.realpath(second):
        return True
    try:
        return first.samefile(second)
    except OSError:
        return False


def refuse_overwrite(output: Path, read: Path) -> None:
    """Check that a file is not written over what is read.

    Raises:
        DataError: it is the file that is read, by whatever name, or lies in the folder that is read.
    """
    if is_same_file(output, read):
        raise DataError(f"{output} is both read and written")
    if Path(os.path.realpath(output)).is_relative_to(os.path.realpath(read)):
        raise DataError(f"{output} lies in {read}, which is read")


def replace_folder(new: Path, path: Path) -> None:
    """Put the finished folder `new` in the place of `path`, or of where that leads: a link stays.

    Between two renames there is no such folder for a moment, but never a half-written one.
    """
    target = Path(os.path.realpath(path))
    old, copied = (target.with_name(f".{target.name}.{end}") for end in ("old", "new"))
    for left in (old, copied):
        shutil.rmtree(left, ignore_errors=True)
    with writing(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        if new.stat().st_dev != target.parent.stat().st_dev:  # where a link leads to another disk
            new = Path(shutil.copytree(new, copied))
        if target.exists():
            target.replace(old)
        new.replace(target)
    shutil.rmtree(old, ignore_errors=True)
