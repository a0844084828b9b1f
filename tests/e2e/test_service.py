"""The service as a user meets it: `bentoml serve` in its own process, over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.server import free_port
from tests.e2e.server import BENTOML, ROOT, Server, serve
from tests.serving.toy import environment
from tests.serving.wire.raw import connected, post
from tests.waiting import LONGEST_WAIT, PATIENT, until

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_it_decides(server: Server, example: dict[str, Any]) -> None:
    response = server.post("/predict", example)
    assert response.status_code == 200
    assert response.json()["model"] == "card_default:1.0.0-fp32"
    batch = server.post("/predict_batch", {"applications": [example, example]}).json()
    assert [row["pd"] for row in batch["decisions"]] == [response.json()["pd"]] * 2


def test_it_listens_on_loopback_only(server: Server) -> None:
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    port = f":{server.port:04X}"
    local = {line.split()[1] for line in listening.splitlines() if line.split()[1].endswith(port)}
    assert "0100007F" + port in local
    assert not any(address.startswith("00000000") for address in local)


def test_a_caller_with_other_words_gets_the_same_decision(server: Server, example: dict[str, Any]) -> None:
    own = server.post("/predict", example).json()
    answer = server.post("/v1/predict", example).json()
    assert answer == {
        "probability": own["pd"],
        "prediction": own["prediction"],
        "default_probability": own["pd"],
        "default_prediction": own["prediction"],
    }
    assert server.get("/v1/openapi.json").json()["servers"] == [{"url": "..", "description": "this service"}]
    assert server.post("/api/predict", example).status_code == 404


def test_probes_and_pages_answer(server: Server) -> None:
    for path in ("/livez", "/readyz", "/healthz", "/health", "/model_info", "/metrics", "/docs.json", "/schema.json"):
        response = server.get(path)
        assert response.status_code == 200, path
        assert response.headers["x-request-id"], path
    assert "swagger-ui" in server.get("/docs").text
    for path in ("/static_content/swagger-ui-bundle.js", "/docs/nothing.js"):
        missing = server.get(path)
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_head_has_the_headers_and_no_body(server: Server) -> None:
    get, head = server.get("/model_info"), httpx.head(server.url + "/model_info", **PATIENT)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_metrics_come_out_of_the_multiprocess_files(server: Server, example: dict[str, Any]) -> None:
    def decided() -> float:
        families = text_string_to_metric_families(server.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "scorebox_predictions_total"
        )

    before = decided()
    server.post("/predict_batch", {"applications": [example] * 5})
    assert decided() == before + 5
    text = server.get("/metrics").text
    assert "process_cpu_seconds_total" in text
    assert "scorebox_event_loop_lag_seconds_bucket" in text
    assert "bentoml_service" not in text


def test_every_line_is_json_and_none_holds_a_value_of_the_applicant(server: Server, example: dict[str, Any]) -> None:
    secret = 987_123
    before = len(server.log())
    server.post("/predict", example | {"LIMIT_BAL": secret})
    server.post("/predict", example | {"LIMIT_BAL": str(secret)})
    server.post("/predict", example | {"PAY_0": secret})
    server.post("/predict_batch", {"applications": [example | {"EDUCATION": secret}, {"x": secret}]})
    server.post("/predict", f'{{"LIMIT_BAL": {secret}'.encode(), **JSON)
    server.get(f"/predict/{secret}")
    until(lambda: len(server.log()) >= before + 6)
    lines = server.log()[before:]
    assert {line["level"] for line in lines} == {"INFO"}
    assert str(secret) not in server.output.read_text()


def test_a_body_beyond_the_limit_is_answered_to_a_client_that_sends_it_all(server: Server) -> None:
    response = server.post("/predict_batch", b" " * (8 << 20), **JSON)
    assert response.status_code == 413
    assert server.post("/predict_batch", b" " * (40 << 20), **JSON).status_code == 413

    def pieces() -> Any:
        for _ in range(300):
            yield b" " * 10_000

    response = httpx.post(server.url + "/predict", content=pieces(), headers=JSON, **PATIENT)
    assert response.status_code == 413


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(server: Server, example: dict[str, Any]) -> None:
    body = json.dumps(example).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", server.port))) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_http_is_refused_and_logged_once_without_its_content(server: Server) -> None:
    before = len(server.log())
    for line in (b"secret-987123\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"):
        with connected(server.port) as client:
            client.send(line)
            answer = client.answer()
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
        until(partial(logs, server, answer.headers["x-request-id"]))
    refused = [(line["route"], line["status"]) for line in server.log()[before:]]
    assert refused == [("unknown", 400)] * 2
    assert "987123" not in server.output.read_text()


def logs(server: Server, request_id: str) -> bool:
    """Whether there is a line about the request: it is written after the answer."""
    return any(line.get("request_id") == request_id for line in server.log())


def test_a_client_that_offers_another_protocol_is_answered(server: Server, example: dict[str, Any]) -> None:
    with connected(server.port) as client:
        for _ in range(2):
            client.send(post("/predict", json.dumps(example).encode(), "Connection: Upgrade", "Upgrade: h2c"))
            answer = client.answer()
            assert (answer.status, answer.closes) == (200, False)


@pytest.mark.slow
def test_a_setting_chooses_the_other_variant_and_switches_the_log_off(home: Path, example: dict[str, Any]) -> None:
    with serve(home, SCOREBOX_VARIANT="int8", SCOREBOX_ACCESS_LOG="false") as server:
        assert server.get("/model_info").json()["variant"] == "int8"
        assert server.post("/predict", example).json()["model"] == "card_default:1.0.0-int8"
        assert not any(line["logger"] == "scorebox.access" for line in server.log())


@pytest.mark.slow
async def test_an_overloaded_service_refuses_the_oldest_and_recovers(home: Path, example: dict[str, Any]) -> None:
    batch = {"applications": [example] * 1000}
    with serve(home, SCOREBOX_MAX_WAIT="0.2") as server:
        async with httpx.AsyncClient(base_url=server.url, **PATIENT, limits=httpx.Limits(max_connections=80)) as http:
            answers = await asyncio.gather(*(http.post("/predict_batch", json=batch) for _ in range(80)))
            shed = f"scorebox_requests_shed_total {[answer.status_code for answer in answers].count(503)}.0"
            assert shed in server.get("/metrics").text
            # On a busy machine one that is alone may wait too long too.
            while (alone := await http.post("/predict", json=example)).status_code != 200:
                assert alone.status_code == 503
        assert {answer.status_code for answer in answers} == {200, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}


async def test_sigterm_turns_readiness_off_and_loses_nothing(home: Path, example: dict[str, Any]) -> None:
    """Eight clients behind a balancer, which sends no more once the service says it is not ready."""
    with serve(home, SCOREBOX_DRAIN="300") as server:
        answers: list[int] = []
        ready = True

        async def client() -> None:
            async with httpx.AsyncClient(base_url=server.url, **PATIENT) as http:
                while ready:
                    answers.append((await http.post("/predict", json=example)).status_code)

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(client())
            await comes_true(lambda: len(answers) >= 200)
            server.process.send_signal(signal.SIGTERM)
            while ready:
                # A balancer's probe: a connection of its own each time.
                async with httpx.AsyncClient(base_url=server.url, **PATIENT) as probe:
                    ready = (await probe.get("/readyz")).status_code == 200
            async with httpx.AsyncClient(base_url=server.url, **PATIENT) as late:
                decided_while_draining = await late.post("/predict", json=example)
        # A second signal says that nothing more will come.
        os.kill(server.worker(), signal.SIGTERM)
        assert set(answers) == {200}
        assert decided_while_draining.headers["connection"] == "close"
        assert server.process.wait(LONGEST_WAIT) == 0
        logged = [line for line in server.log() if line.get("route") == "/predict"]
        assert len(logged) == len(answers) + 1


@pytest.mark.slow
async def test_requests_that_were_accepted_before_sigterm_are_answered(home: Path, example: dict[str, Any]) -> None:
    """Their bodies arrive only after the signal."""
    body = json.dumps(example).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with serve(home) as server:
        streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
        for _, writer in streams:
            writer.write(head.encode() + body[:100])
            await writer.drain()
        in_progress = f"scorebox_http_requests_in_progress {len(streams) + 1}"
        await comes_true(lambda: in_progress in server.get("/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        await comes_true(lambda: not accepts(server.port))
        for _, writer in streams:
            writer.write(body[100:])
        answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
        for _, writer in streams:
            writer.close()
        assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * len(streams)
        assert server.process.wait(LONGEST_WAIT) == 0


async def comes_true(condition: Callable[[], bool]) -> None:
    """Waits until something is so that nothing here is told of."""
    while not condition():  # noqa: ASYNC110  # there is no event to wait for
        await asyncio.sleep(0.01)


def accepts(port: int) -> bool:
    """Whether a new connection is taken; one that is refused is refused at once."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.slow
def test_a_worker_that_is_killed_comes_back_and_its_numbers_stay(home: Path, example: dict[str, Any]) -> None:
    with serve(home) as server:
        server.post("/predict", example)
        os.kill(server.worker(), signal.SIGKILL)
        with httpx.Client(transport=httpx.HTTPTransport(retries=10, verify=False), timeout=LONGEST_WAIT) as client:
            answer = client.post(server.url + "/predict", json=example)
        assert answer.status_code == 200
        metrics = server.get("/metrics").text
        labels = 'decision="decline",role="champion",scorecard="card_default",variant="fp32"'
        assert f"scorebox_predictions_total{{{labels}}} 2.0" in metrics
        assert "scorebox_http_requests_in_progress 1.0" in metrics


@pytest.mark.slow
def test_no_request_makes_an_error_of_the_service_or_an_answer_that_the_document_does_not_have(
    server: Server, tmp_path: Path
) -> None:
    """Schemathesis on the served document, with all its checks but two.

    A broken application fails no batch, and no schema can say that a day lies in the future.
    """
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(
        '[[operations]]\ninclude-name = "POST /predict_batch"\nchecks.negative_data_rejection.enabled = false\n'
        '[[operations]]\ninclude-name = "POST /outcomes"\nchecks.positive_data_acceptance.enabled = false\n'
    )
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"]
    options = ["--max-examples", "400", "--seed", "1", "--generation-database", "none", "--no-color"]
    run = subprocess.run(
        [*command, server.url + "/docs.json", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def started(home: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs a server that cannot start."""
    env = environment(home) | {"SCOREBOX_RELEASE": str(home / "release.json")} | settings
    command = [*BENTOML, "serve", "service:Scorebox", "--port", str(free_port()), *options]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONGEST_WAIT, check=False)


def assert_one_line(run: subprocess.CompletedProcess[str], *words: str) -> None:
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("scorebox cannot start: ")
    assert all(word in line for word in words)


@pytest.mark.parametrize(
    ("option", "setting", "where"),
    [
        ("--api-workers=4", {}, "--api-workers asks for 4 workers"),
        pytest.param(
            "", {"BENTOML_API_WORKERS": "4"}, "BENTOML_API_WORKERS asks for 4 workers", marks=pytest.mark.slow
        ),
        pytest.param("", {"BENTOML_CONFIG": "config.yaml"}, "workers, asks for 4 workers", marks=pytest.mark.slow),
        pytest.param(
            "",
            {"BENTOML_CONFIG_OPTIONS": "services.scorebox.workers=cpu_count"},
            "services.scorebox.workers, asks for cpu_count workers",
            marks=pytest.mark.slow,
        ),
    ],
)
@pytest.mark.slow
def test_more_workers_than_one_are_refused_with_the_way_to_scale(
    home: Path, option: str, setting: dict[str, str], where: str
) -> None:
    (home / "config.yaml").write_text("services:\n  scorebox:\n    workers: 4\n")
    setting = {name: value.replace("config.yaml", str(home / "config.yaml")) for name, value in setting.items()}
    assert_one_line(started(home, *filter(None, [option]), **setting), where, "start more servers")


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting", [{"BENTOML_API_WORKERS": "2"}, {"BENTOML_CONFIG_OPTIONS": "services.scorebox.workers=2"}]
)
def test_the_command_of_an_image_refuses_more_workers_too(home: Path, setting: dict[str, str]) -> None:
    env = (
        environment(home) | {"SCOREBOX_RELEASE": str(home / "release.json"), "BENTOML_PORT": str(free_port())} | setting
    )
    command = [sys.executable, "-m", "serving.container", str(ROOT)]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONGEST_WAIT, check=False)
    assert_one_line(run, "asks for 2 workers", "start more servers")


@pytest.mark.slow
def test_a_graph_that_was_changed_is_refused(home: Path) -> None:
    (graph,) = home.glob("models/card_default/1.0.0-fp32/model.onnx")
    graph.write_bytes(graph.read_bytes().replace(b"Sigmoid", b"sigmoid"))
    assert_one_line(started(home), "sha256", "push the model again")


@pytest.mark.slow
def test_a_model_that_is_not_in_the_store_is_named(home: Path) -> None:
    stored = home / "models" / "card_default" / "1.0.0-fp32"
    (stored / "model.yaml").unlink()
    assert_one_line(started(home), "card_default:1.0.0-fp32", "is damaged", "run: scorebox push card_default")
    shutil.rmtree(stored)
    assert_one_line(started(home), "card_default:1.0.0-fp32", "run: scorebox push card_default")


def test_a_wrong_setting_is_named(home: Path) -> None:
    assert_one_line(started(home, SCOREBOX_MAX_BATCH_SIZE="0"), "SCOREBOX_MAX_BATCH_SIZE", "greater than or equal to 1")
