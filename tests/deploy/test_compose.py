"""compose.yaml: what it says for each profile, and a run of what can be built here."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import PROJECT
from tests.deploy.engine import docker, require_engine

FOLDER = Path(__file__).parent / "compose"
ENVIRONMENT = PROJECT / "deploy" / "compose" / "environment.py"
PROFILES = {
    "serve": {"scorebox", "postgres", "migrate", "shipper"},
    "monitoring": {"prometheus", "alertmanager", "pushgateway", "grafana", "loki", "alloy"},
    "training": {"mlflow"},
}
WITHOUT_PROBE = {
    "migrate": "it ends",
    "shipper": "its health is the lag that the service shows",
    "loki": "its image has no program to ask with, and Prometheus scrapes it",
    "alloy": "its image has no program to ask with, and Prometheus scrapes it",
}
PROBED_BY_THEIR_IMAGE = {"scorebox", "mlflow"}


def written(path: Path, **values: str) -> dict[str, str]:
    """Has the command write the file, and reads it."""
    script = f"import sys; sys.path.insert(0, {str(ENVIRONMENT.parent)!r}); import environment, pathlib, json; "
    script += f"environment.main(pathlib.Path({str(path)!r}), json.loads(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, json.dumps(values)], check=True)
    return dict(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE))


@dataclass(frozen=True)
class Compose:
    """The command with a project and a .env of its own."""

    project: str
    env_file: Path
    files: tuple[Path, ...] = (PROJECT / "compose.yaml",)

    def __call__(self, *arguments: str, check: bool = True) -> str:
        files = [word for file in self.files for word in ("--file", str(file))]
        command = ["docker", "compose", "--project-name", self.project, "--env-file", str(self.env_file), *files]
        # Nothing of the developer's own settings, and no profile but those that are named.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "SCOREBOX_"))}
        done = subprocess.run(
            [*command, *arguments], cwd=PROJECT, env=kept, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"docker compose {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout


@pytest.fixture
def compose(tmp_path: Path) -> Compose:
    """The services that run where .env names no profile."""
    path = tmp_path / "env"
    written(path, COMPOSE_PROFILES="", SCOREBOX_IMAGE="a", SCOREBOX_SHIPPER_IMAGE="b", MLFLOW_VERSION="c")
    return Compose("scorebox-test", path)


def described(compose: Compose, *profiles: str) -> dict[str, dict[str, Any]]:
    """The services of these profiles, as compose understands them."""
    require_engine()
    named = [word for profile in profiles for word in ("--profile", profile)]
    services: dict[str, dict[str, Any]] = json.loads(compose(*named, "config", "--format", "json"))["services"]
    return services


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_whole_by_itself(compose: Compose, profile: str) -> None:
    assert described(compose, profile).keys() == PROFILES[profile]


def test_ports_are_on_loopback_and_every_container_is_limited(compose: Compose) -> None:
    services = described(compose, *PROFILES)
    assert services.keys() == set().union(*PROFILES.values())
    for name, service in services.items():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])), name
        limits = service["deploy"]["resources"]["limits"]
        assert limits.keys() == {"cpus", "memory", "pids"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert ("healthcheck" in service) + (name in WITHOUT_PROBE) + (name in PROBED_BY_THEIR_IMAGE) == 1, name
        assert ":latest" not in service["image"], name


def test_without_a_password_compose_says_which_command_makes_one(compose: Compose, tmp_path: Path) -> None:
    require_engine()
    text = compose.env_file.read_text()
    for name in ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "SCOREBOX_RELOAD_TOKEN"):
        (tmp_path / "less").write_text(re.sub(rf"^{name}=.*\n", "", text, flags=re.MULTILINE))
        with pytest.raises(AssertionError, match=f"{name}.*run make compose first"):
            Compose("scorebox-test", tmp_path / "less")("--profile", "serve", "--profile", "monitoring", "config")


def test_passwords_are_made_up_once_and_are_their_owner_s_only(tmp_path: Path) -> None:
    path = tmp_path / "env"
    first = written(path, SCOREBOX_IMAGE="one")
    again = written(path, SCOREBOX_IMAGE="two")
    assert again == first | {"SCOREBOX_IMAGE": "two"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    passwords = [first[name] for name in ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "SCOREBOX_RELOAD_TOKEN")]
    assert len(set(passwords)) == 3
    assert all(len(password) == 32 for password in passwords)
    other = written(tmp_path / "other")
    assert {other[name] for name in first if name in other}.isdisjoint(passwords)


@pytest.fixture
def project(release_image: str, shipper_image: str, tmp_path: Path) -> Iterator[Compose]:
    """The profiles serve and training, running."""
    path = tmp_path / "env"
    pinned = (PROJECT / "deploy" / "compose" / "mlflow.txt").read_text()
    (mlflow,) = re.findall(r"^mlflow==(\S+)", pinned, re.MULTILINE)
    images = {"SCOREBOX_IMAGE": release_image, "SCOREBOX_SHIPPER_IMAGE": shipper_image, "MLFLOW_VERSION": mlflow}
    written(path, COMPOSE_PROFILES="serve,training", TEST_FOLDER=str(FOLDER), **images)
    name = f"scorebox-test-{uuid4().hex[:8]}"
    compose = Compose(name, path, (PROJECT / "compose.yaml", FOLDER / "override.yaml"))
    try:
        compose("build", "--quiet", "postgres", "mlflow")
        compose("up", "--detach", "--wait", "--wait-timeout", "180", check=False)
        yield compose
    finally:
        compose("down", "--volumes", "--timeout", "20")


def address(compose: Compose, service: str, port: int) -> str:
    return f"http://{compose('port', service, str(port)).strip()}"


@pytest.mark.slow
@pytest.mark.alone
def test_decisions_reach_postgresql_and_runs_reach_mlflow(project: Compose, example: dict[str, Any]) -> None:
    states = [json.loads(line) for line in project("ps", "--all", "--format", "json").splitlines()]
    found = {state["Service"]: (state["State"], state["Health"], state["ExitCode"]) for state in states}
    assert found == {
        "scorebox": ("running", "healthy", 0),
        "postgres": ("running", "healthy", 0),
        "migrate": ("exited", "", 0),
        "shipper": ("running", "", 0),
        "mlflow": ("running", "healthy", 0),
    }, project("logs")

    service = address(project, "scorebox", 3000)
    made = [httpx.post(f"{service}/predict", json=example).json()["decision_id"] for _ in range(20)]
    deadline = time.monotonic() + 60
    while lag(service) != 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    query = "SELECT decision_id FROM journal.decisions ORDER BY decided_at, decision_id"
    sql = ("psql", "--host", "/tmp", "--username", "scorebox", "--no-align", "--tuples-only", "--command", query)
    copied = project("exec", "--no-TTY", "--user", "postgres", "postgres", *sql).split()
    assert copied == made

    runs = f"{address(project, 'mlflow', 5000)}/api/2.0/mlflow"
    number = httpx.post(f"{runs}/experiments/create", json={"name": "card_default"}).json()["experiment_id"]
    run = httpx.post(f"{runs}/runs/create", json={"experiment_id": number}).json()["run"]["info"]["run_id"]
    assert httpx.get(f"{runs}/runs/get", params={"run_id": run}).json()["run"]["info"]["status"] == "RUNNING"
    assert httpx.get(f"{runs}/runs/get", headers={"Host": "elsewhere.example"}).status_code == 403

    container = project("ps", "--quiet", "scorebox").strip()
    project("stop", "scorebox", "shipper")
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"


def lag(service: str) -> float:
    for family in text_string_to_metric_families(httpx.get(f"{service}/metrics").text):
        if family.name == "scorebox_journal_ship_lag_seconds":
            return family.samples[0].value
    raise AssertionError("no lag")
