"""The contents of a journal and of its copy, and the command that copies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import select

from pipelines.journal.shipping.database import Database
from pipelines.journal.shipping.rows import challenge_row, decision_row
from pipelines.journal.shipping.shipper import Copied, Shipper
from pipelines.journal.shipping.tables import challenges, decisions, erasures
from scoring.journal.reader import JournalReader
from scoring.journal.schema import journal_id
from scoring.journal.writer import Journal
from tests.conftest import PROJECT
from tests.scoring.journal import made_up
from tests.waiting import LONGEST_WAIT

Contents = dict[str, list[dict[str, Any]]]


def journal_contents(folder: Path) -> Contents:
    """Every row that a whole copy of the journal has."""
    reader, name = JournalReader(folder), journal_id(folder)
    return {
        "decisions": [decision_row(name, record) for record in reader.decisions()],
        "challenges": [challenge_row(name, record) for record in reader.challenges()],
        "erasures": [{"decision_id": one} for one, _ in reader.erasures()],
    }


def copy_contents(database: Database, folder: Path) -> Contents:
    """Every row that the copy of a journal has, in the journal's order."""
    name = journal_id(folder)
    erased = select(erasures.c.decision_id).join(decisions, decisions.c.decision_id == erasures.c.decision_id)
    queries = {
        "decisions": select(decisions).where(decisions.c.journal == name).order_by(decisions.c.sequence),
        "challenges": select(challenges).where(challenges.c.journal == name).order_by(challenges.c.sequence),
        "erasures": erased.where(erasures.c.journal == name).order_by(decisions.c.sequence),
    }
    with database.transaction() as connection:
        return {what: [dict(row) for row in connection.execute(query).mappings()] for what, query in queries.items()}


def ids(folder: Path) -> list[str]:
    """The decisions of a journal."""
    return [record.decision_id for record in JournalReader(folder).decisions()]


def copied_ids(address: str) -> list[str]:
    """The decisions of a copy, in the journal's order."""
    with psycopg.connect(address) as connection:
        rows = connection.execute("SELECT decision_id::text FROM journal.decisions ORDER BY journal, sequence")
        return [name for (name,) in rows]


def copied(address: str) -> int:
    """How many decisions a copy has."""
    (row,) = read(address, "SELECT count(*) AS decisions FROM journal.decisions")
    return int(row["decisions"])


def change(address: str, statement: str) -> None:
    """Changes a copy by hand."""
    with psycopg.connect(address) as connection:
        connection.execute(statement.encode())


def read(address: str, query: str) -> list[dict[str, Any]]:
    """Return what a person reads in a copy."""
    with psycopg.connect(address, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


STATEMENTS: list[str] = re.findall(
    r"```sql\n(.*?);\n```", (PROJECT / "docs" / "how-to" / "shipping.md").read_text(), re.DOTALL
)
FROM_THE_START, *QUESTIONS = STATEMENTS
"""Statements that the document has a person run before a comparison of the whole copy, and what it has them ask."""


def ship_all(folder: Path, database: Database) -> list[Copied]:
    """Copies all there is."""
    shipper = Shipper(folder, database)
    done: list[Copied] = []
    while not done or done[-1].full:
        done.append(shipper.ship())
    return done


def challenge(journal: Journal, names: Sequence[str], pd: float = 0.125) -> None:
    """Append what a challenger makes of these decisions."""
    count = len(names)
    journal.append_challenges(made_up.BASIS, names, [pd] * count, [False] * count, made_up.inputs([pd] * count))


class Command:
    """`scorebox journal ...` in a process of its own."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SCOREBOX_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "journal", *arguments],
            cwd=PROJECT,
            env={**kept, "COLUMNS": "400", "PYTHONPATH": str(PROJECT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def says(self) -> str:
        """Its next line, once it is there."""
        assert self.process.stdout is not None
        return " ".join(self.process.stdout.readline().split())

    def until(self, reached: Callable[[], bool]) -> None:
        """Waits, while it runs, for what it is to do."""
        while not reached():
            assert self.process.poll() is None, self.ended()
            time.sleep(0.02)

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        said, _ = self.process.communicate(timeout=LONGEST_WAIT)
        return self.process.returncode, said

    def stop(self) -> tuple[int, str]:
        """Asks it to end, and waits until it has."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """Ends it without a chance to say or finish anything."""
        self.process.kill()
        self.process.communicate()


def ship_command(folder: Path, address: str, *options: str) -> Command:
    """`scorebox journal ship`."""
    return Command("ship", "card_default", "--journal", str(folder), *options, SCOREBOX_DATABASE=address)
