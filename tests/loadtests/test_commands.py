"""The two commands as a user runs them: refusals, and short runs against the real service."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from loadtests import ROOT
from loadtests.curves import Scenario
from loadtests.figures import Results
from loadtests.server import free_port
from scoring.models import Release
from tests.loadtests.conftest import Answer, Stub
from tests.serving.toy import environment
from tests.waiting import PATIENCE

GENEROUS = "p50_ms = 60000\np95_ms = 60000\np99_ms = 60000\nfailure_share = 0\nminimum_rate = 0.1\n"
COMMANDS = {"run": "loadtests.run", "bench": "loadtests.bench", "chaos": "loadtests.chaos.__main__"}
IMPOSSIBLE = GENEROUS.replace("minimum_rate = 0.1", "minimum_rate = 1000000")


def run(command: str, *arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"loadtests.{command}", *map(str, arguments)],
        cwd=ROOT,
        env=environment(home) | PATIENCE | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def write_targets(folder: Path, target: str, scenarios: list[Scenario]) -> Path:
    path = folder / "targets.toml"
    path.write_text("".join(f"[{one}]\nusers = 4\nrequests_per_user = 10\n[{one}.ramp]\n{target}" for one in scenarios))
    return path


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"),
    [
        ("run", ["--scenario", "none"], "'none' is not one of"),
        ("run", ["--shape", "none"], "'none' is not one of"),
        ("run", ["--seconds", "0"], "Invalid value for '--seconds'"),
        ("run", ["--host", "nonsense"], "is not an address"),
        ("run", ["--host", "http://192.0.2.1:3000"], "192.0.2.1 is not on loopback"),
        ("run", ["--host", "http://example.org"], "example.org is not on loopback"),
        ("run", ["--scorecard", "none"], "there is no scorecard 'none'"),
        ("run", ["--targets", "none.toml"], "there is no file none.toml"),
        ("run", ["--applications", "none.parquet"], "there is no file none.parquet"),
        ("run", ["--release", "none.json"], "there is no release at none.json"),
        ("chaos", ["--only", "none"], "'none' is not one of"),
        ("chaos", ["--kills", "0"], "Invalid value for '--kills'"),
        ("chaos", ["--scorecard", "none"], "there is no scorecard 'none'"),
        ("chaos", ["--release", "none.json"], "there is no release at none.json"),
        ("bench", ["--rounds", "0"], "Invalid value for '--rounds'"),
        ("bench", ["--seconds", "0"], "Invalid value for '--seconds'"),
        ("bench", ["--scorecard", "none"], "there is no scorecard 'none'"),
        ("bench", ["--applications", "none.csv"], "from a .parquet or a .json file"),
        ("bench", ["--release", "none.json"], "there is no release at none.json"),
    ],
)
def test_bad_arguments_are_refused(command: str, arguments: list[str], complaint: str) -> None:
    app = typer.Typer()
    app.command()(import_module(COMMANDS[command]).main)
    refused = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert refused.exit_code == 2, refused.output
    assert complaint in " ".join(refused.output.split())


@pytest.mark.parametrize("command", ["run", "bench", "chaos"])
@pytest.mark.slow
def test_a_model_that_is_not_stored_is_named(tmp_path: Path, command: str) -> None:
    tag = "card_default:absent-fp32"
    Release(scorecard="card_default", version="absent", serving="fp32", tags={"fp32": tag}).write(tmp_path / "r.json")
    done = run(command, "--release", tmp_path / "r.json", home=tmp_path)
    assert done.returncode == 2
    assert f"{tag} is not in the model store; run: scorebox push card_default" in done.stderr


@pytest.mark.slow
def test_load_holds_the_service_to_its_targets(tmp_path: Path, home: Path) -> None:
    targets = write_targets(tmp_path, GENEROUS, list(Scenario))
    done = run(
        "run", "--seconds", 3, "--targets", targets, "--results", tmp_path, "--release", home / "release.json",
        "--docs", tmp_path / "docs",
        home=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All targets held" in done.stdout
    for scenario in Scenario:
        folder = tmp_path / f"{scenario}-ramp"
        assert (folder / "locust.html").stat().st_size > 10_000
        assert (folder / "locust_stats_history.csv").exists()
    page = (tmp_path / "docs" / "targets.md").read_text()
    assert "| Model | card_default:1.0.0-fp32 |" in page
    assert [line.split(" | ")[1] for line in page.splitlines() if line.endswith(" | held |")] == ["ramp"] * 3
    assert str(tmp_path) not in page
    mixed = (tmp_path / "mixed-ramp" / "locust_stats.csv").read_text()
    assert "/predict (bad body)" in mixed
    assert "/predict_batch (64 rows)" in mixed


@pytest.mark.slow
def test_a_missed_target_is_told_and_fails(tmp_path: Path, home: Path) -> None:
    targets = write_targets(tmp_path, IMPOSSIBLE, [Scenario.SINGLE])
    done = run(
        "run", "--scenario", "single", "--seconds", 2, "--targets", targets, "--results", tmp_path,
        "--release", home / "release.json",
        home=home,
    )  # fmt: skip
    assert done.returncode == 1
    verdicts = [line.split()[-1] for line in done.stdout.splitlines() if line.strip().endswith(("held", "missed"))]
    assert verdicts == ["held", "held", "held", "held", "missed", "missed"]


def answers_everything(connection: socket.socket) -> None:
    body = json.dumps({"scorecard": "card_default", "pd": 0.5, "decisions": []}).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "falls"), [(Scenario.SINGLE, False), (Scenario.BATCH, True)])
def test_answers_are_looked_at(
    tmp_path: Path, make_stub: Callable[[Answer], Stub], scenario: Scenario, falls: bool
) -> None:
    stub = make_stub(answers_everything)
    targets = write_targets(tmp_path, GENEROUS, [scenario])
    done = run(
        "run", "--scenario", scenario, "--seconds", 2, "--targets", targets, "--results", tmp_path,
        "--host", f"http://127.0.0.1:{stub.port}",
        home=tmp_path,
    )  # fmt: skip
    assert done.returncode == int(falls), done.stdout + done.stderr
    failures = (tmp_path / f"{scenario}-ramp" / "locust_failures.csv").read_text()
    assert ("another number of decisions" in failures) == falls


@pytest.mark.slow
def test_bad_bodies_must_be_refused(tmp_path: Path, make_stub: Callable[[Answer], Stub]) -> None:
    stub = make_stub(answers_everything)
    targets = write_targets(tmp_path, GENEROUS, [Scenario.MIXED])
    run(
        "run", "--scenario", "mixed", "--seconds", 3, "--targets", targets, "--results", tmp_path,
        "--host", f"http://localhost:{stub.port}",
        home=tmp_path,
    )  # fmt: skip
    assert "status 200 for a bad body" in (tmp_path / "mixed-ramp" / "locust_failures.csv").read_text()


@pytest.mark.slow
def test_a_service_that_does_not_answer_or_serves_another_scorecard_gets_no_load(
    tmp_path: Path, make_stub: Callable[[Answer], Stub]
) -> None:
    nobody, other = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{make_stub(answers_everything).port}"
    for host, complaint in (
        (nobody, "does not answer /model_info"),
        (other, "serves card_default, not german_credit"),
    ):
        done = run("run", "--scorecard", "german_credit", "--host", host, "--results", tmp_path, home=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"load: {host} {complaint}")


@pytest.mark.slow
def test_a_short_benchmark_measures_every_server(tmp_path: Path, home: Path) -> None:
    shutil.copy(home / "release.json", tmp_path / "card_default.json")
    done = run(
        "bench", "--rounds", 1, "--seconds", 0.3, "--burst", 0.3, "--lone", 0.3, "--batch", 0.3,
        "--docs", tmp_path / "docs", "--results", tmp_path / "results", "--release", tmp_path / "card_default.json",
        home=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    measured = Results.model_validate_json((tmp_path / "results" / "bench.json").read_text())
    assert {(one.contender, one.connections) for one in measured.loads} == {
        (key, connections) for key in measured.titles for connections in (1, 8, 64)
    }
    assert all(one.answered > 0 and one.cpu_us > 0 for one in measured.loads)
    assert {(one.contender, one.encoding) for one in measured.batches} == {
        ("scorebox", "json"), ("scorebox", "arrow"),
        ("scorebox_journal_off", "json"), ("scorebox_journal_off", "arrow"),
        ("fastapi", "json"),
    }  # fmt: skip
    assert all(one.answered > 0 for one in measured.batches)
    assert {one.contender for one in measured.lone} == set(measured.titles) - {"scorebox_every_reason"}
    assert [one.scorecard for one in measured.reasons] == ["card_default"]
    assert all(one.alone_us > one.among_us > 0 for one in measured.reasons)
    assert "declined" in done.stdout
    assert not [one for one in measured.loads if one.contender.startswith("scorebox") and one.failed]
    assert not [one for one in measured.batches if one.failed]
    page = (tmp_path / "docs" / "bench.md").read_text()
    assert str(tmp_path) not in page
    assert (tmp_path / "docs" / "bench.png").exists()
