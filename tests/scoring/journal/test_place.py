"""A journal is in a folder of the user's: the working directory, or the user's data where that cannot be written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scoring.journal.place import default_place, refuse_artefact
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError
from scoring.journal.writer import Journal
from tests.read_only import read_only
from tests.scoring.journal.made_up import append

NAME = "card_default"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder."""
    folder = tmp_path / "data"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder


@pytest.fixture
def bento(tmp_path: Path) -> Path:
    """A Bento, as BentoML lays it out; its `src` has blanks and quotes on the way to it."""
    folder = tmp_path / "it's a store" / "bentos" / "scorebox" / "1"
    (folder / "src").mkdir(parents=True)
    (folder / "bento.yaml").write_text("")
    return folder


def journal_in(folder: Path) -> str:
    journal = Journal(folder)
    journal.open()
    (name,) = append(journal, [0.5]).decision_ids
    journal.close()
    return name


def test_it_is_in_the_working_directory(tmp_path: Path) -> None:
    assert default_place(NAME, tmp_path) == tmp_path / "journal" / NAME
    assert default_place(NAME, Path()) == Path("journal") / NAME


def test_where_that_cannot_be_written_it_is_with_the_user_s_data(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = tmp_path / "working"
    working.mkdir()
    with read_only(working):
        assert default_place(NAME, working) == data / "scorebox" / "journal" / NAME
        monkeypatch.setenv("XDG_DATA_HOME", "relative")
        assert default_place(NAME, working) == Path.home() / ".local/share/scorebox/journal" / NAME


def test_one_that_is_there_and_cannot_be_written_is_read(tmp_path: Path) -> None:
    working = tmp_path / "working"
    journal_in(working / "journal" / NAME)
    with read_only(working):
        assert default_place(NAME, working) == working / "journal" / NAME


def test_it_is_never_inside_a_bento_or_a_store(
    tmp_path: Path, bento: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "home"))
    for inside in (bento, bento / "src", tmp_path / "home" / "models", tmp_path / "home" / "bentos" / "a" / "1"):
        inside.mkdir(parents=True, exist_ok=True)
        assert default_place(NAME, inside) == data / "scorebox" / "journal" / NAME
        with pytest.raises(JournalError, match=r"SCOREBOX_JOURNAL: .* name another folder"):
            refuse_artefact(inside / "decisions", NAME, tmp_path)
    (tmp_path / "link").symlink_to(bento / "src")
    with pytest.raises(JournalError, match="name another folder"):
        refuse_artefact(tmp_path / "link" / "decisions", NAME, tmp_path)
    refuse_artefact(tmp_path / "home" / "journal", NAME, tmp_path)


@pytest.mark.parametrize("taken", [False, True], ids=["nothing there", "another journal there"])
def test_the_way_to_move_one_that_is_there_moves_it(tmp_path: Path, bento: Path, taken: bool) -> None:
    inside = bento / "src" / "journal" / NAME
    name = journal_in(inside)
    working = tmp_path / "working"
    working.mkdir()
    if taken:
        journal_in(default_place(NAME, working))
    with pytest.raises(JournalError) as refused:
        refuse_artefact(inside, NAME, working)
    _, _, advice = str(refused.value).partition("then move it: ")
    command, _, setting = advice.partition("; and start with ")
    subprocess.run(["sh", "-ec", command], check=True)
    shown = subprocess.run(
        ["sh", "-c", f'{setting}; printf %s "$SCOREBOX_JOURNAL"'], capture_output=True, text=True, check=True
    )
    assert JournalReader(Path(shown.stdout)).find(name) is not None
    assert not inside.exists()
