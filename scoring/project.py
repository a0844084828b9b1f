"""A project's folder: the one with params.yaml, next to which artifacts, releases and the model store lie."""

from __future__ import annotations

import os
from pathlib import Path

PARAMS_FILE = Path("params.yaml")
STORE = Path(".bentoml")
"""The model store, where `make` keeps it too."""


def keep_models_in_project(folder: Path) -> None:
    """Have BentoML keep models in the project, unless BENTOML_HOME says otherwise.

    BentoML's own default, the home of the user, holds where the folder is no project.
    """
    if not os.environ.get("BENTOML_HOME") and (folder / PARAMS_FILE).exists():
        # Absolute, for processes that are started in another folder.
        os.environ["BENTOML_HOME"] = str((folder / STORE).absolute())
