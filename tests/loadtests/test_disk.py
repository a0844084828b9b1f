"""Which file system a folder lies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.disk import Disk, disk_of


def test_a_folder_s_file_system_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    found = disk_of(tmp_path)
    assert found.fsync_ms > 0
    assert str(found).startswith(f"{found.kind}; a page written and fsynced takes ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no file system in memory at a known place")
def test_memory_is_no_disk() -> None:
    assert Disk("tmpfs", 0.0).in_memory
    assert disk_of(Path("/dev/shm")).in_memory
