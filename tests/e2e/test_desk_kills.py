"""Processes of the desk are killed while they work: no application is lost, none is decided twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from loadtests.server import free_port
from scoring.journal.reader import JournalReader
from tests.desk.conftest import PASSWORD
from tests.desk.served import Browser
from tests.desk.small import make_small_desk, sqlite_address
from tests.e2e.server import ROOT, serve
from tests.e2e.test_desk import GOOD, apply
from tests.postgres import empty_database, postgres_address
from tests.waiting import at_work, until

pytestmark = pytest.mark.slow
KILLS = 10
EACH = 20
"""Applications that are sent before each kill."""
COMMAND = [sys.executable, "-c", "from pipelines.cli import main; main()", "desk", "serve"]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            found = sqlite_address(tmp_path)
        else:
            found = stack.enter_context(empty_database(stack.enter_context(postgres_address())))
        asyncio.run(make_small_desk(found))
        yield found


@contextmanager
def desk_process(address: str, service: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    environment = os.environ | {
        "SCOREBOX_DESK_DATABASE": address,
        "SCOREBOX_DESK_SECRET": "a secret of the tests, 32 or more characters",
        "SCOREBOX_DESK_SERVICES": f"card_default={service}",
    }
    url = f"http://127.0.0.1:{port}"
    command = [*COMMAND, "--port", str(port)]
    with at_work(command, ROOT, folder / f"desk-{port}.log", f"{url}/health", environment) as process:
        yield process, url


def test_no_application_is_lost_or_decided_twice_however_often_the_desk_is_killed(
    home: Path, address: str, tmp_path: Path
) -> None:
    sent: set[int] = set()
    with serve(home) as server:
        for _ in range(KILLS):
            with desk_process(address, server.url, tmp_path) as (process, url), Browser(url) as browser:
                browser.log_in("client-0001", PASSWORD)
                with ThreadPoolExecutor(EACH) as crowd:
                    sent |= {one["id"] for one in crowd.map(lambda _: apply(browser, GOOD), range(EACH))}
                # Somewhere between the first answer of the service and the last one that is kept.
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        with desk_process(address, server.url, tmp_path) as (_, url), Browser(url) as browser:
            browser.log_in("client-0001", PASSWORD)

            def undecided() -> list[int]:
                found = browser.get("/clients/1/applications").json()
                return [one["id"] for one in found if one["status"] != "decided"]

            until(lambda: not undecided(), undecided)
            found = {one["id"]: one["scores"] for one in browser.get("/clients/1/applications").json()}
    assert set(found) == sent
    assert len(sent) == KILLS * EACH
    assert {len(scores) for scores in found.values()} == {1}
    kept = {score["decision_id"] for scores in found.values() for score in scores}
    made = [decision.decision_id for decision in JournalReader(home / "journal").decisions()]
    # The service decided once for each request, also where the answer went to a process that was dead by then.
    assert sorted(made) == sorted(kept)
