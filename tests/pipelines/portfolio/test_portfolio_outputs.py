"""What a run writes never destroys what it reads, and stands where a user would look for it, with the rights it had."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.pipelines.conftest import Run
from tests.pipelines.portfolio.portfolios import changed, read, rows, write


@pytest.fixture
def folder(project: Project) -> Path:
    """The folder that commands run in; `in.csv` has 20 rows, one of them bad."""
    write(changed(rows(20), "AGE", 4, 5), project.folder / "in.csv")
    return project.folder


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


OVER = {
    "the same name": ["in.csv"],
    "a way round": ["sub/../in.csv"],
    "a link to it": ["link.csv"],
    "a second name of it": ["hard.csv"],
    "a folder that is linked": ["linked/in.csv"],
    "rejects by a way round": ["out.csv", "--rejects", "sub/../in.csv"],
    "rejects by a linked folder": ["out.csv", "--rejects", "linked/in.csv"],
    "rejects over the output": ["out.csv", "--rejects", "sub/../out.csv"],
}


@pytest.mark.parametrize("case", OVER)
def test_no_output_is_written_over_what_is_read_by_whatever_name(folder: Path, scorebox: Run, case: str) -> None:
    before = (folder / "in.csv").read_bytes()
    (folder / "sub").mkdir()
    (folder / "linked").symlink_to(".")
    (folder / "link.csv").symlink_to("in.csv")
    (folder / "hard.csv").hardlink_to(folder / "in.csv")
    code, printed = scorebox("score", "card_default", "in.csv", *OVER[case])
    assert code == 1
    assert printed.startswith(f"error {OVER[case][-1]} is both read and written, or written twice")
    assert (folder / "in.csv").read_bytes() == before
    assert not (folder / "out.csv").exists()
    assert (folder / "link.csv").is_symlink()


def test_an_output_in_the_folder_that_is_read_is_refused_but_for_names_that_are_not_read(
    folder: Path, scorebox: Run
) -> None:
    (folder / "parts").mkdir()
    (folder / "in.csv").rename(folder / "parts" / "in.csv")
    (folder / "linked").symlink_to("parts")
    for inside in ("parts/out.csv", "linked/deep/out.csv"):
        code, printed = scorebox("score", "card_default", "parts", inside)
        assert (code, printed) == (
            1,
            f"error {inside} lies in parts, which is read: the next run would read it too",
        )
    assert names(folder / "parts") == ["in.csv"]
    for outside in ("parts/_scores/out.csv", "parts.csv"):
        assert scorebox("score", "card_default", "parts", outside)[0] == 0
        assert read(folder / outside).num_rows == 19


def test_an_output_that_is_a_link_is_written_through_it(folder: Path, scorebox: Run) -> None:
    (folder / "far").mkdir()
    (folder / "far" / "scores.csv").write_text("old")
    (folder / "out.csv").symlink_to("far/scores.csv")
    (folder / "rejects.csv").symlink_to("far/new.csv")
    assert scorebox("score", "card_default", "in.csv", "out.csv", "--rejects", "rejects.csv")[0] == 0
    assert (folder / "out.csv").is_symlink()
    assert (folder / "rejects.csv").is_symlink()
    assert read(folder / "far" / "scores.csv").num_rows == 19
    assert read(folder / "far" / "new.csv").num_rows == 1
    assert names(folder / "far") == ["new.csv", "scores.csv"]


@pytest.mark.parametrize("which", ["output", "rejects"])
@pytest.mark.parametrize(
    ("make", "reason"),
    [(os.mkdir, "it is a folder"), (os.mkfifo, "it is a device, pipe or socket, not a file")],
)
def test_a_target_that_is_no_file_is_refused_before_anything_is_written(
    folder: Path, scorebox: Run, which: str, make: type, reason: str
) -> None:
    targets = {"output": "out.csv", "rejects": "rejects.csv"}
    make(folder / targets[which])
    there = names(folder)
    code, printed = scorebox("score", "card_default", "in.csv", "out.csv", "--rejects", "rejects.csv")
    assert code == 1
    assert printed.endswith(f"error cannot write {targets[which]}: {reason}")
    assert names(folder) == there


@pytest.mark.usefixtures("umask")
def test_new_outputs_follow_the_umask_and_replaced_ones_keep_their_mode(folder: Path, scorebox: Run) -> None:
    (folder / "kept.csv").write_text("old")
    (folder / "kept.csv").chmod(0o604)
    assert scorebox("score", "card_default", "in.csv", "out.csv", "--rejects", "kept.csv")[0] == 0
    assert (mode(folder / "out.csv"), mode(folder / "kept.csv")) == (0o640, 0o604)
    (folder / "out.csv").chmod(0o600)
    assert scorebox("score", "card_default", "in.csv", "out.csv")[0] == 0
    assert (mode(folder / "out.csv"), mode(folder / "out.rejects.csv")) == (0o600, 0o640)
