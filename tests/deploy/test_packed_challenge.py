"""A challenge that is in force goes into an image with its model, and looks on there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from loadtests.server import free_port
from scoring.challenger.challenge import Challenge
from scoring.journal.reader import JournalReader
from scoring.models import Release
from tests.conftest import PROJECT
from tests.deploy.images import Repository, repository
from tests.serving.toy import SCORECARD, environment, push_release_in
from tests.waiting import at_work

pytestmark = pytest.mark.slow

CONTEXT = """\
import shutil, sys
from pipelines.images.context import context, source
made_from = source("card_default")
with context(made_from) as folder:
    shutil.copytree(folder, sys.argv[1])
print(made_from.version, made_from.serving.tag, *(model.tag for model in made_from.models))
"""


def challenged(folder: Path) -> Repository:
    """A repository whose version 2.0.0 looks on next to 1.0.0."""
    made = repository(folder)
    other = folder / "other.json"
    push_release_in(made.store, other, "2.0.0", 0.5)
    challenge = Challenge(id="a-canary", release=Release.read(other), share=0, made_at="2026-11-26T00:00:00+00:00")
    challenge.write(made.folder / "releases" / "card_default.challenger.json")
    return made


@contextmanager
def serving(folder: Path, journal: Path) -> Iterator[str]:
    """The command of the image, on what the image holds."""
    port = free_port()
    env = environment(folder.parent / "home") | {
        "PYTHONPATH": str(folder / "src"), "BENTOML_CONTAINERIZED": "true", "BENTOML_PORT": str(port),
        "SCOREBOX_JOURNAL": str(journal), "SCOREBOX_DRAIN": "0",
    }  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "serving.container", str(folder)]
    with at_work(command, folder, folder.parent / "serving.log", f"{url}/readyz", env):
        yield url


def test_an_image_s_challenger_scores_what_its_champion_decides(tmp_path: Path) -> None:
    made = challenged(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", CONTEXT, str(tmp_path / "image")],
        cwd=made.folder, env=environment(made.store) | {"PYTHONPATH": str(PROJECT)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    version, serving_tag, *tags = done.stdout.split()
    assert version.startswith("1.0.0-beside-2.0.0-")
    assert serving_tag == "card_default:1.0.0-fp32"
    assert tags == ["card_default:1.0.0-fp32", "card_default:1.0.0-int8", "card_default:2.0.0-fp32"]
    journal = tmp_path / "journal"
    with serving(tmp_path / "image" / "bento", journal) as url:
        challenger = httpx.get(f"{url}/model_info").json()["challenger"]
        assert challenger == {"id": "a-canary", "model": "card_default:2.0.0-fp32", "share": 0.0, "withdrawn": False}
        decision = httpx.post(f"{url}/predict", json=dict(SCORECARD.example)).json()
        assert decision["model"] == "card_default:1.0.0-fp32"
    (looked_on,) = JournalReader(journal).challenges()
    assert (looked_on.decision_id, looked_on.basis.model) == (decision["decision_id"], "card_default:2.0.0-fp32")
    assert looked_on.pd > decision["pd"]
