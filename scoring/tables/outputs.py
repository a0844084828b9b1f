"""Files that are written at a place as a whole, and never over what is read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scoring.disk import reason
from scoring.expected import DataError
from scoring.files import FileAside, file_aside, is_same_file
from scoring.tables.places import Place, one_line


@dataclass(frozen=True)
class Aside:
    """A local file that becomes the file at its place as a whole, or never."""

    file: Path
    place: Place
    local: FileAside | None
    """None for a file that is uploaded."""

    def publish(self) -> None:
        """Move the file where it belongs, over an older one.

        Raises:
            DataError: the place cannot be written to; what was there is there still.
        """
        try:
            if self.local is None:
                # Object stores show an upload when it is finished, and not before.
                self.place.system.put_file(str(self.file), self.place.path)
            else:
                self.local.publish()
        except Exception as error:  # each file system behind fsspec has its own exceptions
            raise _not_written(self.place, error) from error


@contextmanager
def aside(target: Place) -> Iterator[Aside]:
    """Open a file to write to; a file that has not been published when the block ends is deleted.

    Raises:
        DataError: no file can be made there: no right to, or the place is a folder or a device.
    """
    with ExitStack() as stack:
        try:
            local = None
            if target.local is not None:
                local = stack.enter_context(file_aside(target.local))
                file = local.file
            else:
                if target.system.isdir(target.path):
                    raise IsADirectoryError("it is a folder")
                descriptor, name = tempfile.mkstemp(prefix=f".{PurePosixPath(target.path).name}.")
                os.close(descriptor)
                file = Path(name)
                stack.callback(file.unlink, missing_ok=True)
        except Exception as error:
            raise _not_written(target, error) from error
        yield Aside(file, target, local)


def _not_written(target: Place, error: Exception) -> DataError:
    why = reason(error) if isinstance(error, OSError) else one_line(error)
    return DataError(f"cannot write {target.shown}: {why}")


def refuse_overlap(target: Place, others: Iterable[Place], folder: Place | None = None) -> None:
    """Check that a file is not written over another one of the same run.

    Args:
        target: where the file goes.
        others: what is read, or written, by the same run.
        folder: what is read as a whole, if it is a folder; names in it that begin with `_` or `.` are not.

    Raises:
        DataError: it is one of the others, by whatever name, or would be a part of the folder.
    """
    if any(_is_same_place(target, other) for other in others):
        raise DataError(f"{target.shown} is both read and written, or written twice")
    if folder is not None and is_part(target, folder):
        raise DataError(f"{target.shown} lies in {folder.shown}, which is read: the next run would read it too")


def _is_same_place(first: Place, second: Place) -> bool:
    if first.local is not None and second.local is not None:
        return is_same_file(first.local, second.local)
    return first.system == second.system and first.path == second.path


def is_part(file: Place, folder: Place) -> bool:
    """Return whether a file in the folder, or in a folder of it, is read with it: not a marker, as _SUCCESS."""
    if file.local is not None and folder.local is not None:
        path, root = os.path.realpath(file.local), os.path.realpath(folder.local)
    else:
        path, root = file.path, folder.path
        if file.system != folder.system:
            return False
    if not path.startswith(root.rstrip("/") + "/"):
        return False
    return not any(part.startswith(("_", ".")) for part in path[len(root) :].split("/"))
