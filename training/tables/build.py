"""From raw tables to one row per application, by the queries of a folder, with the lineage of every column.

Each `<name>.sql` is one SELECT over the raw tables, each a view of its own name, and its result is the table
`<name>_features`. `features.sql` comes last and joins them into the rows of the applications. The macros of
`macros.sql` are there for all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pydantic import BaseModel

from scoring.expected import DataError
from scoring.leftovers import scratch_folder
from training.tables import TableSet, Tell
from training.tables.engine import MEMORY, THREADS, connect, first_line, raw_path

MACROS = Path(__file__).parent / "macros.sql"
LAST = "features"
ROW_GROUP = 65_536


class RawFile(BaseModel):
    """A raw table as it was read."""

    sha256: str
    rows: int


class ColumnOrigin(BaseModel):
    """Where a column of the result comes from: the query that makes it and the raw tables that query reads."""

    sql: str
    tables: list[str]


class Lineage(BaseModel):
    """The queries and raw tables that a table of features was made from; `sql` and `raw` by file and table name."""

    scorecard: str
    engine: str
    raw: dict[str, RawFile]
    sql: dict[str, str]
    rows: int
    sha256: str
    columns: dict[str, ColumnOrigin]


@dataclass(frozen=True)
class _Query:
    path: Path
    text: str
    result: str


def queries(tables: TableSet) -> list[Path]:
    """Return the SQL files in the order in which they run; `features.sql` is the last."""
    found = sorted(tables.sql.glob("*.sql"), key=lambda path: (path.stem == LAST, path.stem))
    if not found or found[-1].stem != LAST:
        raise DataError(f"{tables.sql / LAST}.sql: no such file; it joins the applications with their features")
    return found


def build(
    tables: TableSet, raw: Path, output: Path, tell: Tell, *, memory: str = MEMORY, threads: int = THREADS
) -> Lineage:
    """Write the rows of the applications to `output`, one Parquet file, whole or not at all.

    `raw` holds `<table>.parquet` for each raw table. `tell` is called once before each query of `queries`, with
    its file's name, and 1 after it. The same raw rows in any order, with any number of threads, give the same bytes.

    Raises DataError for a missing or broken raw file, a query that fails, and an application that is not unique.
    """
    steps = [_Query(path, path.read_text(encoding="utf-8"), f"{path.stem}_features") for path in queries(tables)]
    with (
        connect(tables.tables, raw, output.parent, memory, threads) as database,
        scratch_folder(output.parent, ".features") as aside,
    ):
        database.execute(MACROS.read_text(encoding="utf-8"))
        written = aside / output.name
        for step in steps:
            tell(step.path.name, 0)
            _run(database, step, written)
            tell(step.path.name, 1)
        rows = _check_unique(database, written, tables.key)
        lineage = Lineage(
            scorecard=tables.name,
            engine=f"duckdb {duckdb.__version__}",
            raw={table.name: _raw_file(database, raw_path(raw, table), table.name) for table in tables.tables},
            sql={path.name: sha256(path) for path in [MACROS, *(step.path for step in steps)]},
            rows=rows,
            sha256=sha256(written),
            columns=_origins(database, tables, steps, written),
        )
        written.replace(output)
    return lineage


def _run(database: duckdb.DuckDBPyConnection, step: _Query, written: Path) -> None:
    query = step.text.strip().removesuffix(";")
    try:
        if step.path.stem == LAST:
            target = str(written).replace("'", "''")
            database.execute(f"COPY ({query}\n) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP})")
        else:
            database.execute(f'CREATE TABLE "{step.result}" AS {query}')
    except duckdb.Error as error:
        raise DataError(f"{step.path.name}: {first_line(error)}") from error


def _check_unique(database: duckdb.DuckDBPyConnection, written: Path, key: str) -> int:
    counts = database.execute(
        f'SELECT count(*), count(DISTINCT "{key}") FROM read_parquet(?)', [str(written)]
    ).fetchone()
    assert counts is not None
    rows, different = counts
    if rows != different:
        raise DataError(
            f"{LAST}.sql: {rows:,} rows for {different:,} values of {key}; one row per application is wanted"
        )
    return int(rows)


def _raw_file(database: duckdb.DuckDBPyConnection, path: Path, table: str) -> RawFile:
    counted = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    assert counted is not None
    return RawFile(sha256=sha256(path), rows=counted[0])


def sha256(path: Path) -> str:
    """Return the hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _origins(
    database: duckdb.DuckDBPyConnection, tables: TableSet, steps: list[_Query], written: Path
) -> Mapping[str, ColumnOrigin]:
    names = {table.name for table in tables.tables}
    made: dict[str, ColumnOrigin] = {}
    for step in steps[:-1]:
        origin = ColumnOrigin(sql=step.path.name, tables=sorted(names & _sources(database, step.text)))
        made |= dict.fromkeys(_columns(database, f'"{step.result}"'), origin)
    own = ColumnOrigin(sql=steps[-1].path.name, tables=sorted(names & _sources(database, steps[-1].text)))
    # What the join reads itself, such as the key, is its own.
    direct = {column for table in own.tables for column in _columns(database, f'"{table}"')}
    path = str(written).replace("'", "''")
    return {
        column: own if column in direct else made.get(column, own)
        for column in _columns(database, f"read_parquet('{path}')")
    }


def _sources(database: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """Return the tables, views and common table expressions that a query names."""
    parsed = database.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    assert parsed is not None
    nodes, found = [json.loads(parsed[0])], set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                found.add(node["table_name"])
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node
    return found


def _columns(database: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    return [name for name, *_ in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
