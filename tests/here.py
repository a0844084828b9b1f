"""Commands and model stores in the test's own process: a process of their own would import every library again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore


@contextmanager
def store_at(home: Path) -> Iterator[None]:
    """Make the models of this BENTOML_HOME those of the process, for the length of the block."""
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    before = BentoMLContainer.model_store.get()
    BentoMLContainer.model_store.set(ModelStore(folder))
    try:
        yield
    finally:
        BentoMLContainer.model_store.set(before)


def scorebox_here(folder: Path, home: Path, *arguments: str) -> None:
    """Run the command in the folder, with the store at `home`; it must succeed."""
    from pipelines import cli

    with pytest.MonkeyPatch.context() as patch, store_at(home):
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr(sys, "argv", ["scorebox", *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            if ended.code:
                raise AssertionError(f"scorebox {' '.join(arguments)} ended with {ended.code}") from ended
