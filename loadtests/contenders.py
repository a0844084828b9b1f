"""The servers that are compared, and how each is spoken to."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.served import Served, bento_arguments, service_command
from loadtests.server import LOOPBACK, Command
from loadtests.traffic import Values


@dataclass(frozen=True)
class Contender:
    """One server in the comparison.

    Attributes:
        key: its name in the JSON results.
        title: its name in the table and the plot.
        json_batches: whether it answers `/predict_batch` in JSON.
        arrow_batches: whether it answers `/predict_batch` as an Arrow stream.
    """

    key: str
    title: str
    command: Callable[[Served, Path], Command]
    body: Callable[[Values], bytes]
    pd: Callable[[bytes], float]
    json_batches: bool = False
    arrow_batches: bool = False


def _object_body(application: Values) -> bytes:
    return json.dumps(application).encode()


def _list_body(application: Values) -> bytes:
    return json.dumps({"applications": [application]}).encode()


def _object_pd(answer: bytes) -> float:
    return float(json.loads(answer)["pd"])


def _list_pd(answer: bytes) -> float:
    return float(json.loads(answer)[0]["pd"])


def _peer_environment(served: Served, home: Path) -> dict[str, str]:
    return {
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "SCOREBOX_PEER_SCORECARD": served.record.scorecard,
        "SCOREBOX_PEER_GRAPH": str(served.graph),
        "SCOREBOX_PEER_MODEL": served.tag,
        "SCOREBOX_PEER_VARIANT": served.variant,
        "SCOREBOX_PEER_CUTOFF": str(served.record.cutoff),
    }


def _fastapi(served: Served, home: Path) -> Command:
    arguments: list[Any] = [
        sys.executable, "-m", "uvicorn", "loadtests.peers.fastapi_peer:app",
        "--host", LOOPBACK, "--port", "{port}", "--workers", "1",
        "--loop", "uvloop", "--http", "httptools", "--no-access-log",
    ]  # fmt: skip
    # uvicorn shuts down gracefully, then ends by the signal it was sent.
    codes = frozenset({0, -signal.SIGTERM})
    return Command("FastAPI", arguments, _peer_environment(served, home), exit_codes=codes)


def _bentoml(service: str) -> Callable[[Served, Path], Command]:
    def command(served: Served, home: Path) -> Command:
        arguments = bento_arguments(f"loadtests.peers.bentoml_peer:{service}")
        return Command(f"BentoML {service}", arguments, _peer_environment(served, home))

    return command


SERVICE = Contender(
    "scorebox", "Scorebox", service_command, _object_body, _object_pd, json_batches=True, arrow_batches=True
)
FASTAPI = Contender("fastapi", "FastAPI", _fastapi, _object_body, _object_pd, json_batches=True)
BENTOML = Contender("bentoml", "BentoML default", _bentoml("Plain"), _object_body, _object_pd)
BENTOML_BATCHABLE = Contender("bentoml_batchable", "BentoML batchable", _bentoml("Batched"), _list_body, _list_pd)

CONTENDERS = (SERVICE, FASTAPI, BENTOML, BENTOML_BATCHABLE)
