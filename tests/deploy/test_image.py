"""The release image on a real engine, run as the platform runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scoring.journal.reader import JournalReader
from tests.conftest import PROJECT
from tests.deploy.engine import AS_THE_PLATFORM, Container, docker, running, volume
from tests.deploy.images import Repository

pytestmark = [pytest.mark.slow, pytest.mark.alone]

CLIENTS = 4
NO_SHELL = ("--volume", "/dev/null:/bin/sh:ro", "--volume", "/dev/null:/bin/bash:ro")
LIMITED = (*AS_THE_PLATFORM, "--memory", "250m", "--memory-swap", "250m")


def metric(container: Container, name: str) -> float:
    """The sum of a metric over its labels."""
    families = text_string_to_metric_families(container.get("/metrics").text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def journal_of(container: Container, folder: Path) -> JournalReader:
    folder.mkdir()
    return JournalReader(container.copy("/journal", folder))


def ask_until(over: Event, url: str, example: dict[str, Any]) -> tuple[list[str], list[str]]:
    """One client's decisions, and what else came; ends with the first connection that is refused."""
    decided: list[str] = []
    others: list[str] = []
    with httpx.Client(base_url=url) as client:
        while not over.is_set():
            try:
                answer = client.post("/predict", json=example)
            except httpx.ConnectError:
                break
            except httpx.HTTPError as error:
                others.append(repr(error))
                break
            if answer.status_code == 200:
                decided.append(answer.json()["decision_id"])
            else:
                others.append(answer.text)
    return decided, others


def test_it_serves_without_rights_shell_or_a_place_to_write(release_image: str, example: dict[str, Any]) -> None:
    with running(release_image, options=(*LIMITED, *NO_SHELL, "--health-interval", "1s")) as container:
        container.wait_until_ready()
        answer = container.post("/predict", example)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == "card_default:1.0.0-fp32"
        assert container.post("/predict", {"LIMIT_BAL": "much"}).status_code == 422
        assert metric(container, "scorebox_predictions_total") == 1
        assert metric(container, "scorebox_journal_last_sequence") == 1
        while container.state()["Health"]["Status"] == "starting":
            time.sleep(0.2)
        assert container.state()["Health"]["Status"] == "healthy"
        user = docker(
            "exec", container.name, "/app/venv/bin/python", "-c", "import os; print(os.getuid(), os.getgid())"
        )
        assert user == "1034 1034"
        assert container.stop() == 0


def test_sigterm_under_load_loses_no_answered_decision_and_the_next_start_goes_on(
    release_image: str, example: dict[str, Any], tmp_path: Path
) -> None:
    with volume() as kept:
        options = (*LIMITED, "--volume", f"{kept}:/journal")
        over = Event()
        with running(release_image, options=options, SCOREBOX_DRAIN="1") as container:
            container.wait_until_ready()
            with ThreadPoolExecutor(CLIENTS) as pool:
                clients = [pool.submit(ask_until, over, container.direct_url, example) for _ in range(CLIENTS)]
                try:
                    while metric(container, "scorebox_predictions_total") < 50:
                        time.sleep(0.05)
                    assert container.stop() == 0
                finally:
                    over.set()
            answered = [one for client in clients for one in client.result()[0]]
            assert [other for client in clients for other in client.result()[1]] == []
            found = [record.decision_id for record in journal_of(container, tmp_path / "first").decisions()]
        assert len(answered) >= 50
        assert set(answered) == set(found)
        assert len(found) == len(answered)

        with running(release_image, options=options) as container:
            container.wait_until_ready()
            newest = container.post("/predict", example).json()["decision_id"]
            container.kill()
            reader = journal_of(container, tmp_path / "second")
        records = list(reader.decisions())
        assert [record.decision_id for record in records] == [*found, newest]
        verify = [sys.executable, "-m", "pipelines.cli", "journal", "verify", "card_default"]
        subprocess.run([*verify, "--journal", str(reader.folder)], cwd=PROJECT, check=True, capture_output=True)


def test_sigterm_while_it_starts_ends_it(release_image: str) -> None:
    with running(release_image, options=LIMITED) as container:
        began = time.monotonic()
        container.stop(seconds=20)
        # SIGKILL would have come after 20 s, with another exit code.
        assert container.state()["ExitCode"] == 0, time.monotonic() - began


def test_what_is_wrong_ends_the_start_with_one_line(release_image: str) -> None:
    for setting, value, said in (
        ("SCOREBOX_MAX_WAIT", "no", "SCOREBOX_MAX_WAIT"),
        ("SCOREBOX_RELEASE", "/app/none.json", "there is no release at /app/none.json"),
        ("BENTOML_PORT", "tcp://10.0.0.1:3000", "BENTOML_PORT tcp://10.0.0.1:3000"),
        ("SCOREBOX_JOURNAL", "/app/journal", "/app/journal"),
    ):
        with running(release_image, options=AS_THE_PLATFORM, port=None, **{setting: value}) as container:
            assert docker("wait", container.name) == "1"
            (line,) = [line for line in container.logs().splitlines() if "cannot start" in line]
            assert said in line
            assert "Traceback" not in container.logs()


def test_it_says_what_it_is(release_image: str, source: Repository) -> None:
    (found,) = json.loads(docker("image", "inspect", release_image))
    config = found["Config"]
    assert release_image == "scorebox_card_default:1.0.0-unknown"
    assert config["User"] == "1034:1034"
    assert config["Labels"]["org.opencontainers.image.revision"] == "unknown"
    assert config["Labels"]["org.opencontainers.image.version"] == "1.0.0-unknown"
    assert config["Labels"]["scorebox.model"] == "card_default:1.0.0-fp32"
    assert "CMD" in config["Healthcheck"]["Test"]
    assert config["Entrypoint"] is None
    assert config["Cmd"][0] == "/app/venv/bin/python"
    assert set(config["Volumes"]) == {"/journal"}


def test_the_list_of_its_parts_names_packages_system_and_models(release_image: str, source: Repository) -> None:
    (path,) = (source.folder / "artifacts" / "images").glob("scorebox_card_default-*.cdx.json")
    listed = json.loads(path.read_text())
    assert listed["bomFormat"] == "CycloneDX"
    assert listed["metadata"]["component"]["bom-ref"] == release_image
    addresses = {part.get("purl", part["bom-ref"]).partition("?")[0] for part in listed["components"]}
    locked = [line.split()[0] for line in (PROJECT / "deploy/image/serve.txt").read_text().splitlines() if "==" in line]
    assert {f"pkg:pypi/{pinned.replace('==', '@')}" for pinned in locked} <= addresses
    assert any(address.startswith("pkg:deb/debian/libc6@") for address in addresses)
    assert {"card_default:1.0.0-fp32", "card_default:1.0.0-int8"} <= addresses
