"""The build file of a scorecard's Bento, `bentos/<scorecard>/bentofile.yaml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

from scoring.files import write_atomically
from scoring.scorecard import Scorecard

BENTOS = Path("bentos")
PROJECT = Path(__file__).parents[2] / "pyproject.toml"

RELEASED = ("", ".policy", ".challenger")
"""Files that a release may have: its cut-off policy, and its challenger."""

HEAD = """\
# The Bento of the {name} scorecard. Written by `scorebox bentofile {name}`.
#
#   bentoml build -f bentos/{name}/bentofile.yaml .
"""


def bentofile(scorecard: Scorecard) -> str:
    """Return the file's text: the service, this scorecard's release, and the packages of the `serve` extra."""
    name = scorecard.name
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    content = {
        "service": "service:Scorebox",
        "name": f"scorebox_{name}",
        "description": f"{scorecard.title}: probability of default, score points, risk band and decision.",
        "labels": {"scorecard": name},
        "args": {"scorecard": name},
        # From the root only: the model store may lie in the project, and in it are Bentos with the same folders.
        "include": ["/service.py", "/scoring/", "/serving/", *(f"/releases/{name}{part}.json" for part in RELEASED)],
        "exclude": ["__pycache__/"],
        # A lock would keep the address of the package index it was made with.
        "python": {"packages": extras["serve"], "lock_packages": False},
        "envs": [
            # An image is reached from outside its container or not at all; elsewhere loopback is the default.
            {"name": "BENTOML_HOST", "value": "0.0.0.0"},  # noqa: S104
            {"name": "BENTOML_DO_NOT_TRACK", "value": "True"},
        ],
    }
    text: str = yaml.safe_dump(content, sort_keys=False, width=120)
    return HEAD.format(name=name) + text


def write_bentofile(scorecard: Scorecard) -> Path:
    """Write the file where it is missing or says something else, and return its path."""
    path = BENTOS / scorecard.name / "bentofile.yaml"
    text = bentofile(scorecard)
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text)
    return path
