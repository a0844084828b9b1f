"""A folder or file on read-only media, for the length of a block."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import missing


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Let nobody write to it: by a mount for root, whom modes do not bind, and by the modes of all in it for others."""
    if os.geteuid():
        modes = {path: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
        for path, mode in modes.items():
            path.chmod(mode & 0o555)
        try:
            yield folder
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
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
