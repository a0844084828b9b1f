"""Surroundings of the tests: home, stores, caches and settings of their own, and a watch over the checkout's."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parent.parent
MARK = "TESTS_SURROUNDINGS"
"""Names the folder of the session; its worker processes find it in their environment."""
STORES = (
    "journal",
    ".bentoml/models",
    ".bentoml/bentos",
    "releases",
    "artifacts",
    "mlruns",
    "data/sources",
    "loadtests/results",
    "mlflow.db",
    "desk.sqlite",
)
"""Paths of the checkout that hold what its user made; Git ignores most of them."""
SERVED = "a service writes to it"
SETTINGS = ("SCOREBOX_", "MLFLOW_", "BENTOML_")
DOWNLOADS = {"UV_CACHE_DIR": ".cache/uv", "PIP_CACHE_DIR": ".cache/pip", "DOCKER_CONFIG": ".docker"}
"""Caches of what was downloaded, and the way to the container engine, stay those of the user."""
HOMES = {
    "HOME": ".",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "MPLCONFIGDIR": ".cache/matplotlib",
    "DVC_SITE_CACHE_DIR": ".cache/dvc",
    "BENTOML_HOME": "bentoml",
}


def enter() -> Path:
    """Give this process, and all that it starts, surroundings of its own; return the session's folder.

    The user's settings of the service go, apart from `SCOREBOX_SOURCE_*`, which say where published data are.
    Worker processes share the folder of the process that started them.
    """
    # A process that pytest starts has those of readline, and rich takes them for good where they are at the beginning.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    if given := os.environ.get(MARK):
        return Path(given)
    folder = Path(tempfile.mkdtemp(prefix="scorebox-tests-"))
    home = Path.home()
    for name, place in DOWNLOADS.items():
        os.environ.setdefault(name, str(home / place))
    if (home / ".gitconfig").exists():
        os.environ.setdefault("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    for name in list(os.environ):
        if name.startswith(SETTINGS) and not name.startswith("SCOREBOX_SOURCE_"):
            del os.environ[name]
    for name, place in HOMES.items():
        (folder / place).mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(folder / place)
    os.environ |= {
        "BENTOML_DO_NOT_TRACK": "True",
        # Commands of the tests run in folders of their own.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
        MARK: str(folder),
    }
    return folder


def leave(folder: Path) -> None:
    """Remove the session's folder."""
    shutil.rmtree(folder, ignore_errors=True)


def state(project: Path = PROJECT) -> dict[str, str]:
    """Return what a checkout holds that tests must leave alone: a line of `git status`, or time and size, by path.

    A journal that a running service writes to changes by itself: its folder is named, and nothing in it.
    """
    listed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {line[3:]: line[:2] for line in listed.stdout.splitlines()}
    served = {path.parent for path in project.glob("journal/*/lock") if _is_locked(path)}
    found |= {str(folder.relative_to(project)): SERVED for folder in served}
    for store in STORES:
        root = project / store
        for path in [root, *root.rglob("*")]:
            if path.is_file() and served.isdisjoint(path.parents):
                seen = path.stat()
                found[str(path.relative_to(project))] = f"{seen.st_mtime_ns} ns, {seen.st_size} bytes"
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the paths whose state differs, in order, without journals that a service wrote to meanwhile."""
    served = {Path(path) for found in (before, after) for path, told in found.items() if told == SERVED}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return sorted(path for path in changed if served.isdisjoint([Path(path), *Path(path).parents]))


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
