"""Files are whole or not there, behind links as well, with the rights that they had."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.expected import DataError
from scoring.files import file_aside, refuse_overwrite, write_atomically


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_follows_the_umask_and_a_replaced_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, "new")
    assert (path.read_text(), mode(path)) == ("new", 0o640)
    path.chmod(0o604)
    write_atomically(path, b"newer")
    assert (path.read_text(), mode(path)) == ("newer", 0o604)
    with file_aside(path, private=True) as aside:
        assert mode(aside.file) == 0o600
        aside.publish()
    assert mode(path) == 0o600


def test_while_a_file_of_few_readers_is_replaced_nobody_else_can_read_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(0o600)
    with file_aside(path) as aside:
        assert mode(aside.file) == 0o600


def test_a_link_is_written_through_whether_its_file_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("second")
    (tmp_path / "second").symlink_to("deep/file")
    for content in ("new", "newer"):
        write_atomically(tmp_path / "link", content)
        assert (tmp_path / "deep" / "file").read_text() == content
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "second").is_symlink()


def test_what_is_no_file_stays_and_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for name in ("pipe", "folder", "loop", "file/below"):
        with pytest.raises(OSError) as refused:  # noqa: PT011 the reason is the system's
            write_atomically(tmp_path / name, "new")
        assert refused.value.filename == str(tmp_path / name)
    assert names(tmp_path) == ["file", "folder", "loop", "pipe"]


def test_a_name_as_long_as_a_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomically(path, "new")
    assert path.read_text() == "new"


def test_what_is_read_is_known_by_every_name(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    read = tmp_path / "folder" / "read"
    read.touch()
    (tmp_path / "linked").symlink_to("folder")
    (tmp_path / "hard").hardlink_to(read)
    for name in ("folder/read", "folder/../linked/read", "hard"):
        with pytest.raises(DataError, match="is both read and written"):
            refuse_overwrite(tmp_path / name, read)
    with pytest.raises(DataError, match=r"lies in .*, which is read"):
        refuse_overwrite(tmp_path / "linked" / "new", tmp_path / "folder")
    refuse_overwrite(tmp_path / "new", tmp_path / "folder")
