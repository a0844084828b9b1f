"""A server, the shipper next to it and a PostgreSQL that goes away: every answered decision is in the copy, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.journal.shipping.database import Database
from tests.e2e.server import Server, serve
from tests.pipelines.journal.shipping.copies import (
    copied,
    copied_ids,
    copy_contents,
    ids,
    journal_contents,
    ship_command,
)
from tests.postgres import postgres_server
from tests.waiting import PATIENT

CLIENTS = 4


def metric(server: Server, name: str) -> float:
    """The value of a metric without labels."""
    for family in text_string_to_metric_families(server.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name:
                return sample.value
    raise AssertionError(name)


@contextmanager
def load(server: Server, example: dict[str, Any]) -> Iterator[list[str]]:
    """Clients that ask without a pause, and the decisions that they have received."""
    received: list[str] = []
    over = Event()

    def ask() -> None:
        with httpx.Client(base_url=server.url, **PATIENT) as client:
            while not over.is_set():
                answer = client.post("/predict", json=example)
                assert answer.status_code == 200, answer.text
                received.append(answer.json()["decision_id"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask) for _ in range(CLIENTS)]
        try:
            yield received
        finally:
            over.set()
        for client in clients:
            client.result()


@pytest.mark.slow
def test_an_outage_of_30_s_under_load_loses_and_doubles_nothing(
    home: Path, tmp_path: Path, example: dict[str, Any]
) -> None:
    folder = tmp_path / "journal"
    with postgres_server() as postgres, serve(home, SCOREBOX_JOURNAL=str(folder)) as server:
        database = Database(postgres.address)
        database.migrate()
        assert metric(server, "scorebox_journal_ship_expected") == 0
        shipper = ship_command(folder, postgres.address, "--follow")
        with load(server, example) as received:
            shipper.until(lambda: copied(postgres.address) > 0)
            postgres.stop()
            before = len(received)
            time.sleep(30)
            during = len(received)
            # Nobody waited: what is answered goes on, and only the copy stands still.
            assert during > before + CLIENTS
            assert metric(server, "scorebox_journal_ship_lag_seconds") > 25
            shipped = metric(server, "scorebox_journal_shipped_sequence")
            assert shipped <= before + CLIENTS < metric(server, "scorebox_journal_last_sequence")
            postgres.start()
            shipper.until(lambda: copied(postgres.address) > during)
        shipper.until(lambda: metric(server, "scorebox_journal_ship_lag_seconds") == 0)
        assert shipper.stop()[0] == 0
        found = copied_ids(postgres.address)
        assert sorted(found) == sorted(received)
        assert found == ids(folder)
        database.engine.dispose()
        assert copy_contents(database, folder) == journal_contents(folder)
        database.engine.dispose()
