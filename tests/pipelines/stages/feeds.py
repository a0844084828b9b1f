"""A product of three tables, or of one, for tests of ingestion: small files, published as any other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.artifacts import IngestionSummary
from pipelines.stages.ingest import ingest
from pipelines.workspace import Workspace
from scoring.scorecard import Source, SourceFile
from scoring.scorecards import load
from training.tables.application_contract import ContractReport

CLIENTS = b'ID,NAME,OWNS_CAR,AMOUNT\n1,"Smith, Ann",Y,0.1\n2,None,N,\n3,,Y,1e-7\n'
PAYMENTS = b"ID,MONTH,PAID\n" + b"".join(b"%d,%d,%d.25\n" % (1 + row % 3, row, row) for row in range(400))
CODES = b"A11 6 1.5\nA14 ? 2.5\n"
TABLES = {"clients.csv": CLIENTS, "payments.csv": PAYMENTS, "codes.data": CODES}
ONE = b"ID,LIMIT\n1,20000\n2,30000\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


THREE_FILES = Source(
    "Three Files",
    "CC0 1.0",
    "made for tests",
    (
        SourceFile("clients.csv", sha256(CLIENTS), 3, table="clients"),
        SourceFile("payments.csv", None, 400, table="payments"),
        SourceFile(
            "codes.data",
            sha256(CODES),
            None,
            table="codes",
            separator=" ",
            columns=("status", "months", "rate"),
            missing=("?",),
        ),
    ),
)
ONE_FILE = Source("One File", "CC BY 4.0", "made for tests", (SourceFile("one.csv", sha256(ONE), 2),))
CARD = replace(load("card_default"), name="toy", sources=(THREE_FILES, ONE_FILE))


def write_tables(folder: Path) -> Path:
    """The three files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in TABLES.items():
        (folder / name).write_bytes(content)
    return folder


def take_in(
    workspace: Workspace,
    location: str | Path,
    card: Any = CARD,
    *,
    published: bool = False,
    note: Any = lambda line: None,
) -> IngestionSummary:
    """Ingests without a progress bar, and without the contract, which these tables are not of.

    Nothing of the work may be left behind.
    """
    try:
        return ingest(
            card,
            workspace,
            str(location),
            1_000,
            lambda what, more, total: None,
            note,
            published=published,
            check=lambda scorecard, raw, spill: ContractReport(scorecard=scorecard.name, rows=1, violations=[]),
        )
    finally:
        assert not workspace.incoming.exists()


def written(workspace: Workspace) -> Any:
    """The summary as others read it."""
    return json.loads(workspace.ingestion.read_text())


def snapshot(workspace: Workspace) -> dict[str, bytes]:
    """The bytes of every file of the snapshot."""
    return {path.name: path.read_bytes() for path in sorted(workspace.raw.iterdir())}
