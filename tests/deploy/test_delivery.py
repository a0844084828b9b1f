"""The steps of a release: its manifests, its smoke test against a real server, its way back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
import yaml

from deploy.delivery.smoke import SMOKE_TEST, SmokeError, smoke
from scoring.journal.reader import JournalReader
from scoring.scorecards import names
from tests.conftest import PROJECT
from tests.deploy.engine import require_engine
from tests.deploy.images import Repository
from tests.deploy.manifests import KUBERNETES, Cluster, render
from tests.deploy.workflows import DIGEST
from tests.e2e.server import Server, serve

pytestmark = pytest.mark.slow
DELIVERY = PROJECT / "deploy" / "delivery"
IMAGES = [
    f"ghcr.io/somebody/{name}@{DIGEST}"
    for name in (
        *(f"scorebox_{scorecard}{part}" for scorecard in names() for part in ("", "_shipper")),
        "scorebox_watch",
        "nginx-unprivileged",
    )
]


def manifests(folder: Path, overlay: str, images: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    (folder / "images.txt").write_text("\n".join(images))
    return subprocess.run(
        [sys.executable, "-m", "deploy.delivery.manifests", overlay, str(folder / "images.txt"), str(folder / "out")],
        cwd=PROJECT, check=check, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def kubectl() -> None:
    """Skips where there is no kubectl."""
    render(KUBERNETES / "namespace")


@pytest.mark.parametrize("overlay", ["staging", "prod", "canary"])
def test_every_image_of_a_release_is_by_its_digest(kubectl: None, tmp_path: Path, overlay: str) -> None:
    manifests(tmp_path, overlay, IMAGES)
    written = {path.stem: list(yaml.safe_load_all(path.read_text())) for path in (tmp_path / "out").iterdir()}
    assert set(written) == {"stable", "ingress"} | ({"canary"} if overlay == "canary" else set())
    everything = Cluster([manifest for some in written.values() for manifest in some])
    used = {container["image"] for _, container in everything.containers()}
    assert used == set(IMAGES if overlay == "canary" else IMAGES[:-1])
    before = Cluster(render(KUBERNETES / "overlays" / overlay))
    assert len(everything.manifests) == len(before.manifests)
    assert {manifest["metadata"]["name"] for manifest in everything.manifests} == {
        manifest["metadata"]["name"] for manifest in before.manifests
    }


def test_what_a_canary_adds_is_apart_from_production_and_takes_no_claim_with_it(kubectl: None, tmp_path: Path) -> None:
    manifests(tmp_path, "canary", IMAGES)
    added = list(yaml.safe_load_all((tmp_path / "out" / "canary.yaml").read_text()))
    production = {manifest["metadata"]["name"] for manifest in render(KUBERNETES / "overlays" / "prod")}
    assert {manifest["metadata"]["name"] for manifest in added}.isdisjoint(production)
    assert "PersistentVolumeClaim" not in {manifest["kind"] for manifest in added}
    (server,) = [manifest for manifest in added if manifest["kind"] == "StatefulSet"]
    assert server["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (IMAGES[1:], "no digest for scorebox_card_approval"),
        ([*IMAGES, "ghcr.io/somebody/fifth:latest"], "ghcr.io/somebody/fifth:latest is not an image by digest"),
        ([*IMAGES, IMAGES[0]], "scorebox_card_approval stands in two lines"),
        ([image.replace(DIGEST, "sha256:" + "0" * 64) for image in IMAGES], "is not an image by digest"),
    ],
    ids=["missing", "tag", "twice", "zeros"],
)  # fmt: skip
def test_a_release_without_a_digest_is_not_written(kubectl: None, tmp_path: Path, images: list[str], said: str) -> None:
    done = manifests(tmp_path, "prod", images, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def server(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with a toy model."""
    with serve(Path(shutil.copytree(toy_store, tmp_path_factory.mktemp("smoke") / "home"))) as running:
        yield running


def test_the_smoke_test_of_a_server_leaves_one_decision_that_bears_its_name(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.delivery.smoke", server.url, "--version", "1.0.0"],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith("smoke test passed: card_default:1.0.0-fp32 decided ")
    with pytest.raises(SmokeError, match=r"GET /model_info: version 1\.0\.0 serves instead of 2\.0\.0"):
        smoke(server.url, "2.0.0")
    (decision,) = JournalReader(server.output.parent / "journal").decisions()
    assert (decision.applicant, decision.request_id[: len(SMOKE_TEST)]) == (SMOKE_TEST, SMOKE_TEST)
    assert decision.decision_id in done.stdout


class Recorded(BaseHTTPRequestHandler):
    """Answers as a real server once did, with changes."""

    answers: ClassVar[dict[str, Any]] = {}
    changes: ClassVar[dict[str, dict[str, Any]]] = {}

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self._answer(200, self.answers[self.path] | self.changes.get(self.path, {}))

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.changes.get("status", {}).get("wrong", 422) if "unknown" in sent else 200
        self._answer(status, self.answers["/predict"] | self.changes.get("/predict", {}))

    def _answer(self, status: int, content: Any) -> None:
        self.send_response(status)
        if request_id := self.headers["X-Request-ID"]:
            self.send_header("X-Request-ID", str(self.changes.get("id", {}).get("id", request_id)))
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


@pytest.fixture(scope="module")
def recorded(server: Server) -> Iterator[str]:
    """The address of a server that can be made to lie."""
    Recorded.answers = {path: server.get(path).json() for path in ("/health", "/model_info", "/docs.json")}
    body = Recorded.answers["/docs.json"]["paths"]["/predict"]["post"]["requestBody"]
    Recorded.answers["/predict"] = server.post("/predict", body["content"]["application/json"]["example"]).json()
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorded) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"/predict": {"pd": 1.5}}, "PD 1.5"),
        ({"/predict": {"model": "card_default:2.0.0-fp32"}}, "which GET /model_info does not name"),
        ({"/predict": {"pd": 0.01, "decision": "decline"}}, "decline at PD 0.01"),
        ({"/predict": {"cutoff": 0.9}}, "where GET /model_info has 0.25"),
        ({"status": {"wrong": 200}}, "200 instead of 422"),
        ({"id": {"id": "another"}}, "does not bear the request's id"),
    ],
    ids=["as it was", "PD", "model", "decision", "cut-off", "refusal", "request id"],
)
def test_the_smoke_test_fails_where_an_answer_is_wrong(
    recorded: str, changes: dict[str, dict[str, Any]], said: str | None
) -> None:
    Recorded.changes = changes
    if said is None:
        assert "decided" in smoke(recorded)
        return
    with pytest.raises(SmokeError, match=said):
        smoke(recorded)


def test_the_smoke_test_of_nobody_is_one_line_and_exit_code_1() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.delivery.smoke", "http://127.0.0.1:9"],
        cwd=PROJECT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("smoke test failed: GET /health: ConnectError")


@pytest.mark.slow
@pytest.mark.alone
def test_the_smoke_test_of_an_image_runs_it_as_the_platform_does(source: Repository, release_image: str) -> None:
    require_engine()
    done = subprocess.run(
        [DELIVERY / "smoke_image.sh", release_image], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert "smoke test passed: card_default:1.0.0-fp32" in done.stdout


KUBECTL = """\
#!/bin/bash
echo "$*" >>CALLS
case "$*" in
  *"get statefulsets"*) printf '%s-server %s\\n' card-default card-77 home-credit home-9 ;;
  *"controllerrevision card-77"*) echo 4 ;;
  *"controllerrevision home-9"*) echo 12 ;;
  *"rollout status"*FAILING*) exit 1 ;;
esac
"""


@pytest.fixture
def rollout(tmp_path: Path) -> Any:
    """Runs the script with a kubectl that tells of two servers; no cluster can run here."""
    calls = tmp_path / "calls"

    def run(*arguments: str, failing: str = "none") -> tuple[int, list[str]]:
        (tmp_path / "kubectl").write_text(KUBECTL.replace("CALLS", str(calls)).replace("FAILING", failing))
        (tmp_path / "kubectl").chmod(0o755)
        calls.write_text("")
        done = subprocess.run(
            [DELIVERY / "rollout.sh", *arguments],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, calls.read_text().splitlines()

    return run


def test_a_release_goes_back_to_the_revisions_that_ran_before_it(rollout: Any, tmp_path: Path) -> None:
    noted = tmp_path / "before.txt"
    assert rollout("note", "scorebox", str(noted))[0] == 0
    assert noted.read_text() == "card-default-server 4\nhome-credit-server 12\n"
    code, calls = rollout("undo", "scorebox", str(noted))
    assert code == 0
    assert calls == [
        "--namespace scorebox rollout undo statefulset/card-default-server --to-revision 4",
        "--namespace scorebox rollout undo statefulset/home-credit-server --to-revision 12",
        "--namespace scorebox rollout status statefulset/card-default-server --timeout 900s",
        "--namespace scorebox rollout status statefulset/home-credit-server --timeout 900s",
    ]


def test_a_release_waits_for_every_server_and_fails_with_any(rollout: Any) -> None:
    code, calls = rollout("wait", "scorebox")
    assert (code, len(calls)) == (0, 3)
    assert rollout("wait", "scorebox", failing="card-default-server")[0] == 1
    assert rollout("wait", "scorebox", failing="home-credit-server")[0] == 1


def test_a_first_release_says_that_there_is_nothing_to_go_back_to(rollout: Any, tmp_path: Path) -> None:
    (tmp_path / "before.txt").write_text("")
    assert rollout("undo", "scorebox", str(tmp_path / "before.txt")) == (1, [])


def test_another_word_is_told_how_the_script_is_used(rollout: Any) -> None:
    assert rollout("redo", "scorebox") == (2, [])
