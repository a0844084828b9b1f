"""The image of the jobs that watch: on a real engine, each job's command as its manifest has it run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from pipelines.images.build import REQUIREMENTS, WATCH_IMAGE, Target
from scoring.journal.reader import JournalReader
from scoring.scorecards import names
from tests.conftest import PROJECT, Project
from tests.deploy.command_line import COMMAND, called
from tests.deploy.engine import Container, docker, network, running, volume
from tests.deploy.images import Repository
from tests.deploy.manifests import KUBERNETES, OVERLAYS, Cluster, Manifest, Workload, quantity, render
from tests.deploy.named_rules import expanded

RECIPE = PROJECT / "deploy" / "image"
LACKING = ("torch", "mlflow", "catboost", "lightgbm", "dvc", "duckdb", "pandera")
MISSING = f"""\
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LACKING!r}:
            raise ModuleNotFoundError(name)
"""
ROWS = 600
MONITORING = "/workspace/artifacts/full/card_default/monitoring"
DECIDE = """\
import sys
from pathlib import Path
from scoring import models
from scoring.scorecards import load
from tests.pipelines.journaled import decide, sample_applications
card = load("card_default")
release = models.Release.read(Path("releases/card_default.json"))
model = models.load(release.tags[release.serving])
decide(Path(sys.argv[1]), card, model, sample_applications(card, model.graph.columns, int(sys.argv[2])))
"""
GATEWAY = """\
from http.server import BaseHTTPRequestHandler, HTTPServer
class Taking(BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
HTTPServer(("", 9091), Taking).serve_forever()
"""
"""Takes what a job pushes, and logs the path."""


@cache
def rendered(overlay: str) -> Cluster:
    return Cluster(render(KUBERNETES / "overlays" / overlay))


def name_of(image: str) -> str:
    """Without registry and digest."""
    return image.partition("@")[0].rpartition("/")[2]


def watching(overlay: str) -> list[tuple[Workload, Manifest]]:
    """The containers of an overlay that run the image."""
    return [
        (workload, container)
        for workload, container in rendered(overlay).containers()
        if name_of(container["image"]) == WATCH_IMAGE
    ]


def test_every_image_of_ours_that_a_manifest_names_is_one_that_is_built() -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (RECIPE / "Dockerfile").read_text(), re.MULTILINE)
    assert {target.value for target in Target} <= set(stages)
    assert all((RECIPE / file).is_file() for file in REQUIREMENTS.values())
    built = {f"scorebox_{scorecard}{part}" for scorecard in names() for part in ("", "_shipper")} | {WATCH_IMAGE}
    for overlay in OVERLAYS:
        named = {name_of(container["image"]) for _, container in rendered(overlay).containers()}
        assert {name for name in named if name.startswith("scorebox")} == built, overlay


def test_the_jobs_that_watch_are_those_of_its_image() -> None:
    jobs = {workload.name for overlay in OVERLAYS for workload, _ in watching(overlay)}
    assert jobs == {
        *(f"{name.replace('_', '-')}-{job}" for name in names() for job in ("drift", "performance")),
        "home-credit-history",
        "card-default-compare-canary",
    }


@pytest.fixture(scope="module")
def image(source: Repository) -> Iterator[str]:
    """The tag of the image."""
    tag = source.scorebox("watch-image").stdout.strip()
    yield tag
    docker("image", "rm", "--force", tag)


@dataclass(frozen=True)
class Volumes:
    """Return what a job mounts, by the name that its manifest has for it."""

    journal: str
    workspace: str
    network: str


@pytest.fixture(scope="module")
def volumes(image: str, trained_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volumes]:
    """A trained workspace and a journal of decisions of today, as the user 1034 owns them, and a Pushgateway."""
    folder = tmp_path_factory.mktemp("watched")
    # Where training leaves its store: next to the rest.
    shutil.copytree(trained_project.folder, folder / "workspace", ignore=shutil.ignore_patterns("store", "mlruns"))
    shutil.copytree(trained_project.store, folder / "workspace" / ".bentoml")
    journal = folder / "journal" / "decisions"
    subprocess.run(
        [sys.executable, "-c", DECIDE, str(journal), str(ROWS)],
        cwd=trained_project.folder, env=trained_project.environment, check=True,
    )  # fmt: skip
    today = datetime.now(UTC).date()
    decisions = list(JournalReader(journal).decisions())
    # As the PDs say, as far as a threshold can.
    rows = [f"{record.decision_id},{int(record.pd > 0.25)},{today}" for record in decisions]
    (folder / "workspace" / "outcomes.csv").write_text("\n".join(["decision_id,defaulted,observed_on", *rows, ""]))
    with volume() as of_journal, volume() as of_workspace, network() as net:
        mounted = ("--volume", f"{of_journal}:/journal", "--volume", f"{of_workspace}:/workspace")
        given = ("--user", "0", "--entrypoint", "chown", *mounted)
        with running(image, "--recursive", "1034:1034", "/journal", "/workspace", options=given, port=None) as first:
            docker("wait", first.name)
            for name in ("journal", "workspace"):
                docker("cp", f"{folder / name}/.", f"{first.name}:/{name}")
            docker("start", "--attach", first.name)
        alias = ("--network", net, "--network-alias", "pushgateway.monitoring", "--entrypoint", "python")
        with running(image, "-c", GATEWAY, options=alias, port=None):
            yield Volumes(of_journal, of_workspace, net)


@contextmanager
def run(image: str, volumes: Volumes, workload: Workload, container: Manifest, *more: str) -> Iterator[Container]:
    """The container of a production job, run as its manifest says; it has ended when the block begins."""
    environment = rendered("prod").environment(container)
    command = [expanded(word, environment) for word in container["command"]]
    pod, memory = workload.pod["securityContext"], str(int(quantity(container["resources"]["limits"]["memory"])))
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    options = (
        *("--user", f"{pod['runAsUser']}:{pod['runAsGroup']}", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--memory", memory, "--memory-swap", memory),
        *("--cpus", container["resources"]["limits"]["cpu"], "--network", volumes.network),
        *("--tmpfs", f"{mounts['tmp']}:size=256m", "--workdir", container["workingDir"]),
        *("--volume", f"{volumes.journal}:{mounts['journal']}"),
        *("--volume", f"{volumes.workspace}:{mounts['workspace']}"),
        *("--entrypoint", command[0]),
    )
    with running(image, *command[1:], *more, options=options, port=None, **environment) as started:
        docker("wait", started.name)
        yield started


def job(name: str) -> tuple[Workload, list[Manifest]]:
    workload = Workload(rendered("prod").one("CronJob", f"card-default-{name}"))
    return workload, workload.containers


@pytest.mark.slow
@pytest.mark.alone
def test_drift_is_judged_as_the_job_does_it(image: str, volumes: Volumes, tmp_path: Path) -> None:
    workload, (container,) = job("drift")
    with run(image, volumes, workload, container) as ran:
        assert ran.state()["ExitCode"] == 0, ran.logs()
        assert not ran.state()["OOMKilled"]
        written = ran.copy(MONITORING, tmp_path)
    status = json.loads((written / "drift_status.json").read_text())
    assert status["rows"]["source"] == "/journal/decisions"
    assert (status["rows"]["found"], status["rows"]["compared"]) == (ROWS, ROWS)
    assert status["verdict"] in {"stable", "retraining due"}
    (score,) = status["scores"]
    assert score["model"] == status["model"]
    assert score["drift"]["psi"] == status["score_psi"]
    assert "<html" in (written / "drift.html").read_text()
    assert (written / "drift_report.html").stat().st_size > 1_000_000
    gauges = (written / "drift.prom").read_text().splitlines()
    assert f'scorebox_drift_rows{{scorecard="card_default"}} {float(ROWS)}' in gauges


@pytest.mark.slow
@pytest.mark.alone
def test_performance_is_judged_on_the_outcomes_that_the_job_takes_in_first(
    image: str, volumes: Volumes, tmp_path: Path
) -> None:
    workload, containers = job("performance")
    assert [container["name"] for container in containers] == ["outcomes", "performance"]
    for container in containers:
        with run(image, volumes, workload, container) as ran:
            assert ran.state()["ExitCode"] == 0, ran.logs()
            assert not ran.state()["OOMKilled"]
            if container["name"] == "performance":
                written = ran.copy(MONITORING, tmp_path)
    result = json.loads((written / "performance.json").read_text())
    assert (result["overall"]["decisions"], result["overall"]["matured"]) == (ROWS, ROWS)
    assert result["verdict"] in {"ok", "decay"}
    (model,) = result["models"]
    assert model["tested"] is not None
    assert "<html" in (written / "performance.html").read_text()
    assert "scorebox_matured_decisions" in (written / "performance.prom").read_text()


@pytest.mark.slow
@pytest.mark.alone
def test_every_command_that_a_manifest_runs_in_it_starts(image: str) -> None:
    calls = set()
    for overlay in OVERLAYS:
        for _, container in watching(overlay):
            environment = rendered(overlay).environment(container)
            command = [expanded(word, environment) for word in container["command"]]
            shell = command[:2] == ["/bin/sh", "-c"]
            calls |= {tuple(call) for call in (called(command, environment) if shell else [command])}
    assert {call[len(COMMAND)] for call in calls} == {"drift", "outcomes", "performance", "history", "compare"}
    for program, *words in sorted(calls):
        options = ("--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--entrypoint", program)
        assert "Usage" in docker("run", *options, image, *words, "--help")


@pytest.mark.slow
def test_each_command_is_imported_where_the_libraries_that_train_are_missing() -> None:
    """An import contract does not see what a package imports on the way to one of its modules."""
    modules = ", ".join(f"pipelines.cli.{name}" for name in ("drift", "performance", "outcomes", "compare", "history"))
    script = f"{MISSING}sys.meta_path.insert(0, Missing())\nimport {modules}"
    ran = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
@pytest.mark.alone
def test_what_each_command_is_made_of_is_in_it_and_what_trains_is_not(image: str) -> None:
    modules = [f"pipelines.watch.{name}" for name in ("drift", "performance", "outcomes", "compare", "history")]
    script = f"import {', '.join(modules)}, redis, evidently\n"
    script += f"from importlib.util import find_spec\nprint([name for name in {LACKING!r} if find_spec(name)])"
    ran = ("--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--entrypoint", "python")
    assert docker("run", *ran, image, "-c", script).splitlines()[-1] == "[]"


@pytest.mark.slow
@pytest.mark.alone
def test_it_says_what_it_is_and_what_is_in_it(image: str, source: Repository) -> None:
    (found,) = json.loads(docker("image", "inspect", image))
    assert image == f"{WATCH_IMAGE}:unknown"
    assert found["Config"]["User"] == "1034:1034"
    labels = found["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == WATCH_IMAGE
    assert labels["org.opencontainers.image.revision"] == "unknown"
    assert not {"scorebox.model", "scorebox.scorecard"} & labels.keys()
    listed = json.loads((source.folder / "artifacts" / "images" / f"{WATCH_IMAGE}-unknown.cdx.json").read_text())
    addresses = {part.get("purl", "").partition("?")[0] for part in listed["components"]}
    locked = [line.split()[0] for line in (RECIPE / "watch.txt").read_text().splitlines() if "==" in line]
    assert {f"pkg:pypi/{pinned.replace('==', '@')}" for pinned in locked} <= addresses
