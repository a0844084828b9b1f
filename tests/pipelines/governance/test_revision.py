"""What git cannot tell is said at once, and production refuses to promote it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.needs import program
from tests.pipelines.governed import CARD, Governed

GIT = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def a_little_higher(pd: float) -> float:
    return pd * 1.01


def in_production(governed: Governed) -> None:
    path = governed.project.folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["profiles"]["full"]["known_revision"] = True
    path.write_text(yaml.safe_dump(params))


def warning(governed: Governed) -> str:
    """What `report` says before it needs anything that a stage made."""
    (governed.workspace.model / "calibration.json").unlink(missing_ok=True)
    code, printed = governed.run("report", CARD.name)
    assert code == 1
    return printed.partition("error")[0]


def test_a_git_that_fails_is_a_warning_with_its_reason(governed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    git = program("git", "apt-get install git")
    folder = governed.project.folder
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    said = "NO REVISION the model is recorded as made from an unknown state of the project: "
    assert f"{said}fatal: not a git repository" in warning(governed)
    subprocess.run([git, "init", "-q"], check=True)
    assert f"{said}fatal: " in warning(governed), "it has no commit yet"
    subprocess.run([git, *GIT, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert "NO REVISION" not in warning(governed)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert f"{said}fatal: detected dubious ownership in repository at" in warning(governed)
    monkeypatch.setenv("PATH", str(Path("nothing").resolve()))
    assert f"{said}git is not installed" in warning(governed)


def test_production_promotes_no_model_of_an_unknown_revision(governed: Governed) -> None:
    number = governed.challenge(a_little_higher)
    in_production(governed)
    governed.registry.tag(number, "git_revision", "unknown")
    code, printed = governed.run("promote", CARD.name)
    assert code == 1
    assert "git_revision │ whether git could not tell what the model was made from" in printed
    assert f"version {number} of card_default fails git_revision" in printed
    governed.registry.tag(number, "git_revision", "0123456789abcdef")
    assert governed.run("promote", CARD.name)[0] == 0
    assert governed.registry.aliases()["champion"] == number
