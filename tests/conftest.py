"""Surroundings of every test, the real data if they are there, and a small trained workspace."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml

from tests import surroundings
from tests.here import scorebox_here
from tests.shared import made_once

PROJECT = surroundings.PROJECT
# Before a library is imported that looks for its home.
FOLDER = surroundings.enter()
# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("scorebox", deadline=None, database=None)
hypothesis.settings.load_profile("scorebox")
# Fits of a second need no processes that import for three; tests/training/test_workers.py has some.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
NUMBERS = count()
LONGEST = (
    "tests/pipelines/stages/test_real_data.py",
    "tests/deploy/test_reproducible_images.py",
    "tests/e2e/test_challenger_guide.py",
    "tests/pipelines/governance/test_kills.py",
)
"""The files of slow tests that take minutes."""
BEFORE = pytest.StashKey[dict[str, str]]()
CHANGED = pytest.StashKey[list[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    if not IS_WORKER:
        session.config.stash[BEFORE] = surroundings.state()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest: a process that began it last would be waited for."""
    if config.option.markexpr == "not slow":
        items.sort(key=lambda item: _stays_together(item.nodeid) is None)
    elif config.option.markexpr == "slow and not alone":
        files = list(dict.fromkeys(_file(item.nodeid) for item in items))
        # A process is given a second file before it has ended its first: the short ones at the end of the list.
        rank = {file: LONGEST.index(file) if file in LONGEST else 1_000 - place for place, file in enumerate(files)}
        items.sort(key=lambda item: rank[_file(item.nodeid)])


def _file(nodeid: str) -> str:
    return nodeid.split("::", maxsplit=1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the quick tests of a folder of the making wing or of `deploy/` in one process, else those of a file.

    Each process that trains imports PyTorch, MLflow or evidently anew, and fits the same small models.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByRoom(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _stays_together(nodeid) or str(super()._split_scope(nodeid))

    return (ByRoom if config.option.markexpr == "not slow" else LoadFileScheduling)(config, log)


def _stays_together(nodeid: str) -> str | None:
    folder = _file(nodeid).rpartition("/")[0]
    return folder if folder.startswith(("tests/training", "tests/pipelines", "tests/deploy")) else None


def pytest_collection_finish() -> None:
    """Let the collector pass over what the imports left, which stays to the end, and come less often."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that changed what the checkout holds."""
    if IS_WORKER:
        return
    changed = surroundings.differences(session.config.stash[BEFORE], surroundings.state())
    session.config.stash[CHANGED] = changed
    if changed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if changed := config.stash.get(CHANGED, []):
        terminalreporter.section("the checkout changed while the tests ran", red=True)
        for path in changed:
            terminalreporter.line(path)


def pytest_unconfigure() -> None:
    if not IS_WORKER:
        surroundings.leave(FOLDER)


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in an empty folder, where relative paths lead: its releases, registry, artifacts and journal."""
    folder = FOLDER / "tests" / f"{os.getpid()}-{next(NUMBERS)}"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    # MLflow notes there what a test before has told it.
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


SMALL_PARAMS: dict[str, Any] = {
    "profiles": {"full": {"search_iterations": 1, "bootstrap_resamples": 20}},
    "scorecards": {
        "card_default": {
            "seed": 7,
            "sample_rows": 4_000,
            "freshness": {"max_age_days": 30},
            "test_share": 0.25,
            "folds": 3,
            "protected_fields": False,
            "quantization_rows": 256,
            # Its knots can be bent by hand.
            "calibration": "isotonic",
            "candidates": {
                "network": {
                    "family": "network",
                    "features": "stepped",
                    "parameters": {
                        "hidden": [16, 8],
                        "dropout": 0.2,
                        "epochs": 4,
                        "batch_size": 128,
                        "learning_rate": 0.01,
                        "weight_decay": 0.01,
                        "validation_share": 0.1,
                        "patience": 2,
                        "default_weight": 1.0,
                    },
                },
                "boosting": {
                    "family": "boosting",
                    "features": "engineered",
                    "parameters": {"n_estimators": 20, "num_leaves": 4},
                    "search": {"learning_rate": [0.05, 0.1]},
                },
                "logistic": {"family": "logistic", "features": "published", "parameters": {"C": 0.1}},
            },
            # Wide enough for any of them on so few rows; which gate decides is tested elsewhere.
            "gates": {"auc_tolerance": 0.2, "expected_calibration_error": 0.5, "reasons_microseconds": 1e9},
            "variant_limits": {"flipped_share": 1.0, "auc_drop": 1.0, "brier_rise": 1.0},
            "promotion": {
                "parity": 1e-5,
                "lowest_auc": 0.6,
                "brier": 0.2,
                "expected_calibration_error": 0.1,
                "flipped_share": 0.1,
                "approval_gap": 0.5,
                "microseconds_1": 1e9,
                "microseconds_256": 1e9,
                "reasons_reach": 0.5,
                "auc_tolerance": 0.02,
                "brier_tolerance": 0.002,
                "calibration_error_tolerance": 0.02,
                "approval_gap_tolerance": 0.1,
            },
            "monitoring": {
                "performance": {"auc_tolerance": 0.03, "brier_tolerance": 0.01, "least_matured": 200},
                "drift": {"share": 0.3, "psi": 0.25, "least_rows": 500},
            },
        }
    },
}


def real_data(name: str) -> Path | None:
    """The published data: where the environment says, or next to the project; None if they are not there.

    A folder for a source of several files.

    A file that is there and wrong makes the tests that read it fail, since ingestion checks its hash.
    """
    from scoring.scorecards import load

    if location := os.environ.get(f"SCOREBOX_SOURCE_{name.upper()}"):
        return Path(location).resolve()
    folder = PROJECT.parent / "shared" / "data" / name
    for source in load(name).sources:
        if all((folder / file.file_name).exists() for file in source.files):
            return folder / source.files[0].file_name if len(source.files) == 1 else folder
    return None


@dataclass(frozen=True)
class Project:
    """A folder in which the `scorebox` command can run, and the model store that it fills."""

    folder: Path
    store: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands: nothing of the developer's own settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCOREBOX_", "MLFLOW_"))}
        return {**kept, "BENTOML_HOME": str(self.store), "COLUMNS": "200"}

    def scorebox(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command in a process of its own, in the project's folder."""
        return subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            check=check,
            capture_output=True,
            text=True,
        )


def make_project(folder: Path) -> Project:
    """A fresh project folder with small parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(SMALL_PARAMS, sort_keys=False))
    return Project(folder, folder / "store")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project folder."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def trained_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project built from sample data by `scorebox build`, for tests that only read it."""

    def build(folder: Path) -> None:
        made = make_project(folder)
        scorebox_here(made.folder, made.store, "build", "card_default")

    folder = made_once(tmp_path_factory, "trained", build)
    return Project(folder, folder / "store")


@pytest.fixture(scope="session")
def toy_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BENTOML_HOME with a toy model in its store, and release.json next to it; to be copied, not served from."""
    # It takes libraries for training, which most tests do without.
    from tests.serving.toy import push_release_in

    return made_once(tmp_path_factory, "toy", lambda made: push_release_in(made, made / "release.json"))
