"""Which profile a command takes where none is given: that of what serves, and it says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from pipelines.workspace import Workspace, find_profile
from tests.conftest import SMALL_PARAMS, Project
from tests.here import scorebox_here


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def made(profile: str, *pushed: str) -> Workspace:
    """A workspace that has taken data in, and whose last push was of these tags."""
    workspace = Workspace("card_default", profile)
    write(workspace.ingestion, {})
    if pushed:
        write(workspace.pushed, {"tags": dict(enumerate(pushed))})
    return workspace


def release(tag: str) -> None:
    write(Workspace("card_default", "full").release, {"tags": {"fp32": tag}})


def test_without_artifacts_it_is_the_full_one() -> None:
    assert find_profile("card_default") == ("full", "")


def test_the_only_profile_with_artifacts_is_taken() -> None:
    made("quick")
    assert find_profile("card_default") == ("quick", "the only one that has artifacts")


def test_of_two_profiles_it_is_the_one_that_made_what_serves() -> None:
    made("full", "card_default:1")
    made("quick", "card_default:2")
    release("card_default:2")
    assert find_profile("card_default") == ("quick", "what serves")
    release("card_default:1")
    assert find_profile("card_default") == ("full", "what serves")


def test_a_challenger_that_was_pushed_since_changes_nothing() -> None:
    made("full", "card_default:9")
    quick = made("quick", "card_default:3")
    write(quick.promotion, {"promoted": True, "candidate": {"model": "card_default:2"}})
    release("card_default:2")
    assert find_profile("card_default") == ("quick", "what serves")


@pytest.mark.parametrize("content", ["{", "[]", '{"tags": {}}'])
def test_a_release_that_cannot_be_read_decides_nothing(content: str) -> None:
    made("full")
    made("quick", "card_default:1")
    release("card_default:1")
    Workspace("card_default", "full").release.write_text(content)
    assert find_profile("card_default") == ("full", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["card", "card_default"],
        ["cutoff", "card_default"],
        pytest.param(["drift", "card_default", "artifacts/quick/card_default/test.parquet"], marks=pytest.mark.slow),
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_after_a_quick_build_need_no_profile(
    trained_project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(trained_project.folder, folder)
    (folder / "artifacts" / "full").rename(folder / "artifacts" / "quick")
    params = {**SMALL_PARAMS, "profiles": {"full": {}, "quick": SMALL_PARAMS["profiles"]["full"]}}
    params["profiles"]["full"] = {"search_iterations": 1, "bootstrap_resamples": 20}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    scorebox_here(folder, folder / "store", *arguments)
    assert "profile     quick (what serves)" in capsys.readouterr().err.splitlines()
    assert not (folder / "artifacts" / "full").exists()
