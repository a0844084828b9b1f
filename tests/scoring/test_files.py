"""Files are whole or not there, behind links as well, with the rights that they had."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.expected import DataError
from scoring.files import check_replaceable, file_aside, refuse_overwrite, remove_file, replace_folder, write_atomically
from scoring.leftovers import scratch_folder


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


def test_what_a_killed_process_left_is_deleted_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    (tmp_path / ".file.0123abcd").touch()
    for name in (".other.0123abcd", ".file.notes", "file.0123abcd"):
        (tmp_path / name).touch()
    with file_aside(tmp_path / "file") as first, file_aside(tmp_path / "file") as second:
        first.file.write_text("first")
        second.file.write_text("second")
        first.publish()
        second.publish()
    assert (tmp_path / "file").read_text() == "second"
    assert names(tmp_path) == [".file.notes", ".other.0123abcd", "file", "file.0123abcd"]


def test_a_scratch_folder_of_a_killed_process_is_deleted_and_one_in_use_is_not(tmp_path: Path) -> None:
    (tmp_path / "scratch.0123abcd" / "deep").mkdir(parents=True)
    (tmp_path / "scratch.4567abcd").symlink_to(tmp_path / "scratch.0123abcd")
    with scratch_folder(tmp_path, "scratch") as first:
        (first / "file").touch()
        with scratch_folder(tmp_path, "scratch") as second:
            assert names(tmp_path) == sorted([first.name, second.name, "scratch.4567abcd"])
        assert names(first) == ["file"]
    assert names(tmp_path) == ["scratch.4567abcd"]


def test_a_file_is_replaced_by_a_copy_of_itself_to_see_whether_it_can_be(tmp_path: Path) -> None:
    check_replaceable(tmp_path / "file")
    assert names(tmp_path) == []
    (tmp_path / "file").write_text("kept")
    before = (tmp_path / "file").stat().st_ino
    check_replaceable(tmp_path / "file")
    assert ((tmp_path / "file").read_text(), names(tmp_path)) == ("kept", ["file"])
    assert (tmp_path / "file").stat().st_ino != before


def test_a_linked_folder_or_file_keeps_its_link_when_it_is_replaced_or_deleted(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    (tmp_path / "link").symlink_to("old")
    replace_folder(tmp_path / "new", tmp_path / "link")
    assert (names(tmp_path), names(tmp_path / "old")) == (["link", "old"], ["new"])
    (tmp_path / "file").touch()
    (tmp_path / "alias").symlink_to("file")
    assert remove_file(tmp_path / "alias")
    assert not remove_file(tmp_path / "alias")
    assert names(tmp_path) == ["alias", "link", "old"]


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
