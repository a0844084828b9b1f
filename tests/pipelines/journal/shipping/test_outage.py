"""PostgreSQL goes away under load and comes back: the copy has everything once, and nobody waited for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.journal.shipping.database import Database
from scoring.journal.reader import JournalReader
from scoring.journal.shipped import Shipped
from tests.conftest import PROJECT
from tests.pipelines.journal.shipping.copies import (
    copied,
    copied_ids,
    copy_contents,
    ids,
    journal_contents,
    ship_command,
)
from tests.postgres import postgres_server
from tests.waiting import LONGEST_WAIT, until


@contextmanager
def load(folder: Path) -> Iterator[None]:
    """Decisions without a pause, by a process of their own."""
    command = [sys.executable, "-m", "tests.pipelines.journal.shipping.appends", str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(LONGEST_WAIT) == 0


def all_is_copied(folder: Path) -> bool:
    position = Shipped.read(folder)
    return position is not None and position.lag(folder) == 0


SECONDS = 2
"""Without PostgreSQL; `tests/e2e/test_shipping.py` has the long form, with a server."""


@pytest.mark.slow
def test_an_outage_under_load_loses_and_doubles_nothing_and_holds_nothing_up(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with postgres_server() as server:
        database = Database(server.address)
        database.migrate()
        shipper = ship_command(folder, server.address, "--follow")
        with load(folder):
            shipper.until(lambda: copied(server.address) > 0)
            server.stop()
            before = JournalReader(folder).last_sequence()
            time.sleep(SECONDS)
            until(lambda: JournalReader(folder).last_sequence() > before)
            during = JournalReader(folder).last_sequence()
            position = Shipped.read(folder)
            assert position is not None
            assert position.decisions <= before < during
            until(lambda: position.lag(folder) >= SECONDS - 1)
            server.start()
            shipper.until(lambda: copied(server.address) > during)
        shipper.until(lambda: all_is_copied(folder))
        code, said = shipper.stop()
        assert code == 0
        assert "Traceback" not in said
        lines = [" ".join(line.split()) for line in said.splitlines()]
        away = [line for line in lines if line.startswith("ship waits: PostgreSQL at")]
        assert len(away) == 1
        assert lines[lines.index(away[0]) + 1] == "ship goes on"
        assert copied_ids(server.address) == ids(folder)
        database.engine.dispose()
        assert copy_contents(database, folder) == journal_contents(folder)
        database.engine.dispose()
