"""The context of an image's build: the Bento with its models or the code of commands, and `deploy/image/`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import bentoml
import yaml

from pipelines.images.bentofile import write_bentofile
from pipelines.workspace import RELEASES
from scoring.challenger.challenge import Challenge
from scoring.disk import writing
from scoring.models import ModelRecord, Release, read
from scoring.scorecards import load
from training.errors import StageError
from training.revision import git_revision, git_seconds

PROJECT = Path(__file__).parent.parent.parent
RECIPE = PROJECT / "deploy" / "image"
RECIPE_FILES = ("Dockerfile", "serve.txt", "ship.txt", "watch.txt", "trim.py", "healthcheck.py")
SHIPPER_FILES = ("scoring", "pipelines", "training/__init__.py", "training/errors.py", "pyproject.toml")
"""The code of the command `scorebox journal ship`, without the packages of its extras."""
WATCH_FILES = ("scoring", "pipelines", "training", "pyproject.toml")
"""The code of the commands that watch, without the packages of their extras."""

REVISION_DIGITS = 12


@dataclass(frozen=True)
class Code:
    """Return the code that an image without a model is made from.

    Attributes:
        revision: the commit, with `-dirty` if files differ from it, or `unknown`.
        seconds: when that commit was made, since 1970; the time of every file in the image.
    """

    revision: str
    seconds: int

    @property
    def version(self) -> str:
        """The image's tag."""
        number, _, state = self.revision.partition("-")
        return "-".join(filter(None, (number[:REVISION_DIGITS], state)))


@dataclass(frozen=True)
class Source(Code):
    """The models and files that an image of a release is made from.

    Attributes:
        release: whose variants are packed.
        challenge: whose model is packed next to them, if one challenges.
        models: the records of all of them, the release's first.
    """

    release: Release
    challenge: Challenge | None
    models: list[ModelRecord]

    @property
    def serving(self) -> ModelRecord:
        """The variant that serves by default."""
        return next(model for model in self.models if model.variant == self.release.serving)

    @property
    def version(self) -> str:
        """The versions of models and code: the Bento's version, and the image's tag."""
        challenger = f"beside-{self.challenge.release.version}" if self.challenge else None
        return "-".join(filter(None, (self.release.version, challenger, super().version)))

    @property
    def name(self) -> str:
        """The Bento's name, and the image's."""
        return f"scorebox_{self.release.scorecard}"


def source(scorecard: str) -> Source:
    """Return the parts that the image of the scorecard's release is made from.

    Raises:
        ModelStoreError: there is no release, its challenge cannot be read, or the store does not hold their models.
    """
    release = Release.read(RELEASES / f"{scorecard}.json")
    challenge = Challenge.read(RELEASES / f"{scorecard}.challenger.json", scorecard)
    tags = [*release.tags.values(), *([challenge.model] if challenge else [])]
    return Source(git_revision(), git_seconds(), release, challenge, [read(tag)[0] for tag in tags])


def code() -> Code:
    """Return the code that an image without a model is made from."""
    return Code(git_revision(), git_seconds())


@contextmanager
def context(made_from: Code) -> Iterator[Path]:
    """Make a folder that holds all that the image's build reads, for the length of the block.

    Raises:
        StageError: the Bento cannot be built.
    """
    with TemporaryDirectory(prefix="scorebox-image-") as name:
        folder = Path(name)
        with writing(folder):
            for file in RECIPE_FILES:
                shutil.copy(RECIPE / file, folder)
            for path in SHIPPER_FILES if isinstance(made_from, Source) else WATCH_FILES:
                _copy(PROJECT / path, folder / "commands" / path)
        if isinstance(made_from, Source):
            _build_bento(made_from, folder / "bento")
        yield folder


def _build_bento(made_from: Source, target: Path) -> None:
    """Build the Bento in `target`, its models next to it as in every Bento that runs in a container."""
    with TemporaryDirectory(prefix="scorebox-bento-") as home:
        # A store of its own: the version is that of the sources, so another build's Bento could bear it already.
        for model in made_from.models:
            stored = Path(bentoml.models.get(model.tag).path)
            for store in (Path(home) / "models", target / "models"):
                shutil.copytree(stored, store / stored.relative_to(stored.parent.parent))
        command = [
            *(sys.executable, "-m", "bentoml", "build", "."),
            *("--bentofile", str(write_bentofile(load(made_from.release.scorecard)))),
            *("--version", made_from.version),
        ]
        environment = {**os.environ, "BENTOML_HOME": home, "BENTOML_DO_NOT_TRACK": "True"}
        built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if built.returncode:
            raise StageError(f"bentoml build failed: {built.stdout}{built.stderr}")
        shutil.copytree(Path(home) / "bentos" / made_from.name / made_from.version, target, dirs_exist_ok=True)
    described = target / "bento.yaml"
    bento = yaml.safe_load(described.read_text())
    # The only thing in it that two builds from the same sources do not have in common.
    bento["creation_time"] = datetime.fromtimestamp(made_from.seconds, UTC).isoformat()
    described.write_text(yaml.safe_dump(bento, sort_keys=False))


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(path, target)
