"""A folder on read-only media, for the length of a block."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import missing


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Let nobody write to the folder: by a mount for root, whom modes do not bind, and by its mode for others."""
    if os.geteuid():
        mode = folder.stat().st_mode & 0o777
        folder.chmod(0o500)
        try:
            yield folder
        finally:
            folder.chmod(mode)
        return
    if _run("mount", "--bind", str(folder), str(folder)):
        missing("root may not mount here, so nothing is read-only for it")
    try:
        assert not _run("mount", "-o", "remount,bind,ro", str(folder))
        yield folder
    finally:
        assert not _run("umount", "--lazy", str(folder))


def _run(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode
