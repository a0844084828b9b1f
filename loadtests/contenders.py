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
    """One way to be asked, in the comparison.

    Attributes:
        key: its name in the JSON results.
        title: its name in the table and the plot.
        command: how its server is started, with a BENTOML_HOME and a folder for a journal.
        path: where it is asked for one application.
        stored_models: whether its server reads models from the store.
        server: the key of the contender whose running server it asks; None for one of its own. Who asks another's
            server is asked for single applications only.
        json_batches: whether it answers `/predict_batch` in JSON.
        arrow_batches: whether it answers `/predict_batch` as an Arrow stream.
    """

    key: str
    title: str
    command: Callable[[Served, Path, Path], Command]
    body: Callable[[Values], bytes]
    pd: Callable[[bytes], float]
    path: str = "/predict"
    stored_models: bool = False
    server: str | None = None
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
    }


def _fastapi(served: Served, home: Path, _journal: Path) -> Command:
    arguments: list[Any] = [
        sys.executable, "-m", "uvicorn", "loadtests.peers.fastapi_peer:app",
        "--host", LOOPBACK, "--port", "{port}", "--workers", "1",
        "--loop", "uvloop", "--http", "httptools", "--no-access-log",
    ]  # fmt: skip
    # uvicorn shuts down gracefully, then ends by the signal it was sent.
    codes = frozenset({0, -signal.SIGTERM})
    return Command("FastAPI", arguments, _peer_environment(served, home), exit_codes=codes)


def _bentoml(service: str) -> Callable[[Served, Path, Path], Command]:
    def command(served: Served, home: Path, _journal: Path) -> Command:
        arguments = bento_arguments(f"loadtests.peers.bentoml_peer:{service}")
        return Command(f"BentoML {service}", arguments, _peer_environment(served, home))

    return command


def _without_journal(served: Served, home: Path, _journal: Path) -> Command:
    return service_command(served, home, None)


SERVICE = Contender(
    "scorebox", "Scorebox", service_command, _object_body, _object_pd,
    stored_models=True, json_batches=True, arrow_batches=True,
)  # fmt: skip
EVERY_REASON = Contender(
    "scorebox_every_reason", "Scorebox, every reason", service_command, _object_body, _object_pd,
    path="/predict?reasons=all", server=SERVICE.key,
)  # fmt: skip
JOURNAL_OFF = Contender(
    "scorebox_journal_off", "Scorebox, journal off", _without_journal, _object_body, _object_pd,
    stored_models=True, json_batches=True, arrow_batches=True,
)  # fmt: skip
FASTAPI = Contender("fastapi", "FastAPI, PD only", _fastapi, _object_body, _object_pd, json_batches=True)
BENTOML = Contender("bentoml", "BentoML default, PD only", _bentoml("Plain"), _object_body, _object_pd)
BENTOML_BATCHABLE = Contender(
    "bentoml_batchable", "BentoML batchable, PD only", _bentoml("Batched"), _list_body, _list_pd
)

CONTENDERS = (SERVICE, EVERY_REASON, JOURNAL_OFF, FASTAPI, BENTOML, BENTOML_BATCHABLE)
PEERS = (FASTAPI, BENTOML, BENTOML_BATCHABLE)
