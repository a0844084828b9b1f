"""Where a journal is: a folder of the user's, never one that is handed on, replaced or deleted as a whole."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from scoring.journal.schema import JournalError, segments


def default_place(scorecard: str, working: Path) -> Path:
    """Return where the journal of a scorecard is if nobody says: in the working directory, else in the user's data.

    Args:
        scorecard: its name.
        working: the directory in which the user works; what is returned is as relative as this.

    Raises:
        JournalError: neither can be used.
    """
    here = working / "journal" / scorecard
    if artefact_around(here) is None and (segments(here) or _can_be_made(here)):
        return here
    try:
        return _user_data() / "scorebox" / "journal" / scorecard
    except RuntimeError:
        raise JournalError(
            f"there is no place for a journal: {working.resolve()} cannot hold one, and there is no home; "
            "set SCOREBOX_JOURNAL"
        ) from None


def refuse_artefact(folder: Path, scorecard: str, working: Path) -> None:
    """Check that a journal is not inside an artefact.

    Args:
        folder: of the journal.
        scorecard: its name.
        working: the directory in which the user works.

    Raises:
        JournalError: it is; the message says how to move what is there.
    """
    around = artefact_around(folder)
    if around is None:
        return
    if not segments(folder):
        raise JournalError(
            f"SCOREBOX_JOURNAL: {folder} is inside {around}, which is handed on and deleted as a whole: name "
            "another folder"
        )
    target = _free(default_place(scorecard, working).absolute())
    old, parent, new = (shlex.quote(str(path)) for path in (folder, target.parent, target))
    raise JournalError(
        f"the journal {folder} is inside {around}, which is handed on and deleted as a whole; stop what writes there, "
        f"then move it: mkdir -p {parent} && mv {old} {new}; and start with SCOREBOX_JOURNAL={new}"
    )


def artefact_around(folder: Path) -> Path | None:
    """Return the Bento, the model or the part of BentoML's store that a folder is in; None if there is none."""
    resolved = folder.resolve()
    for around in (resolved, *resolved.parents):
        if (around / "bento.yaml").is_file() and (around / "src").is_dir():
            return around
        if (around / "model.yaml").is_file() and around.parent.parent.name == "models":
            return around
    for store in _stores():
        if resolved.is_relative_to(store):
            return store
    return None


def _stores() -> list[Path]:
    try:
        home = Path(os.environ.get("BENTOML_HOME") or Path.home() / "bentoml").resolve()
    except RuntimeError:
        return []
    return [home / "bentos", home / "models"]


def _user_data() -> Path:
    """Return the folder of the user's data on this platform.

    Raises:
        RuntimeError: the user has no home.
    """
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # The XDG Base Directory Specification has it that a relative one is ignored.
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".local" / "share"


def _can_be_made(folder: Path) -> bool:
    """Return whether a folder is there and can be written, or can be made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _free(folder: Path) -> Path:
    """Return the folder, or one next to it if it is there."""
    number, free = 2, folder
    while free.exists():
        number, free = number + 1, folder.with_name(f"{folder.name}-{number}")
    return free
