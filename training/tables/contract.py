"""The raw tables against their contracts, in bounded memory.

Rows go through Pandera in batches; what spans batches, uniqueness and foreign keys, is asked of DuckDB.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import duckdb
import pandas as pd
import pyarrow as pa

from scoring.expected import DataError
from training.tables import TableSet, Tell
from training.tables.application_contract import FIRST_ROWS, ContractReport, Violation, broken_cases
from training.tables.engine import MEMORY, THREADS, connect, first_line, open_table, raw_path
from training.tables.table import ForeignKey, RawTable, typed
from training.tables.typed import broken_type

BATCH_ROWS = 250_000


def check(
    tables: TableSet, raw: Path, scratch: Path, tell: Tell, *, memory: str = MEMORY, threads: int = THREADS
) -> ContractReport:
    """Return every broken rule of the raw tables in the folder `raw`.

    A violation's column is `<table>.<column>`, its rows are counted from 0 over the whole table. `rows` is of all
    tables together. `tell` receives a table's name and how many more of its rows are done; the total is
    `training.tables.engine.count_rows`. `scratch` takes what does not fit into memory.

    Raises DataError for a file that is missing or no whole Parquet file.
    """
    rows = 0
    broken: dict[str, list[Violation]] = {}
    for table in tables.tables:
        seen, violations = _check_rows(table, raw, tell)
        rows += seen
        broken[table.name] = violations
    with connect(tables.tables, raw, scratch, memory, threads) as database:
        for table in tables.tables:
            tell(f"keys of {table.name}", 0)
            broken[table.name] += _check_keys(database, tables, table, raw)
    return ContractReport(
        scorecard=tables.name, rows=rows, violations=[item for found in broken.values() for item in found]
    )


def _check_rows(table: RawTable, raw: Path, tell: Tell) -> tuple[int, list[Violation]]:
    found: dict[tuple[str, str], Violation] = {}
    start = 0
    with open_table(raw, table) as file:
        try:
            if not file.metadata.num_rows:
                # It has columns all the same.
                _check_batch(table, file.schema_arrow.empty_table(), 0, found)
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                _check_batch(table, pa.Table.from_batches([batch]), start, found)
                start += batch.num_rows
                tell(table.name, batch.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{raw_path(raw, table)}: not a whole Parquet file: {first_line(error)}") from error
    return start, list(found.values())


def _check_batch(table: RawTable, batch: pa.Table, start: int, found: dict[tuple[str, str], Violation]) -> None:
    """Add the broken rules of the batch that begins at row `start` to those of the batches before it."""
    frame = typed(table, batch)
    if (cases := broken_cases(table.schema, frame)) is not None:
        for column, rule, rows in _broken(table, frame, cases):
            violation = found.setdefault(
                (column, rule), Violation(rule=rule, column=f"{table.name}.{column}", count=0, first_rows=[])
            )
            # A column that is missing is so once, not in every batch.
            violation.count = violation.count + len(rows) if rows else max(violation.count, 1)
            room = FIRST_ROWS - len(violation.first_rows)
            violation.first_rows += [start + row for row in rows[:room]]


def _broken(table: RawTable, frame: pd.DataFrame, cases: pd.DataFrame) -> list[tuple[str, str, list[int]]]:
    """Return column, rule and rows of each broken rule of a batch."""
    result = []
    for (context, check, number), broken in cases.groupby(["schema_context", "check", "check_number"], dropna=False):
        rule = str(check)
        rows = sorted(set(broken["index"].dropna().astype(int)))
        if context == "DataFrameSchema" and rows:
            # A rule over several columns says in its title whose it is.
            result.append((str(table.schema.checks[int(cast("int", number))].title), rule, rows))
        elif context == "DataFrameSchema":
            # A missing or an unknown column is its own failure case.
            result += [(str(column), rule, []) for column in broken["failure_case"]]
        else:
            for column, of_column in broken.groupby("column", sort=True):
                rows = sorted(of_column["index"].dropna().astype(int))
                if rule.startswith("dtype("):
                    kind = next(item.kind for item in table.columns if item.name == column)
                    found = broken_type(frame[column], kind, "texts")
                    result += [] if found is None else [(str(column), *found)]
                else:
                    result.append((str(column), rule, rows))
    return result


def _check_keys(database: duckdb.DuckDBPyConnection, tables: TableSet, table: RawTable, raw: Path) -> list[Violation]:
    """Return broken uniqueness and foreign keys; a column that is missing has been reported by its rows."""
    columns = {
        name: {column for column, *_ in database.execute(f'DESCRIBE "{name}"').fetchall()}
        for name in (other.name for other in tables.tables)
    }
    violations = []
    if table.unique and columns[table.name].issuperset(table.unique):
        violations += _duplicates(database, table, raw)
    for key in table.foreign_keys:
        if key.column in columns[table.name] and key.column in columns[key.table]:
            violations += _orphans(database, table, raw, key)
    return violations


def _duplicates(database: duckdb.DuckDBPyConnection, table: RawTable, raw: Path) -> list[Violation]:
    key = ", ".join(f'"{column}"' for column in table.unique)
    repeated = f'SELECT {key} FROM "{table.name}" GROUP BY {key} HAVING count(*) > 1'
    return _rows_of(database, table, raw, f"SEMI JOIN ({repeated}) USING ({key})", "unique", ", ".join(table.unique))


def _orphans(database: duckdb.DuckDBPyConnection, table: RawTable, raw: Path, key: ForeignKey) -> list[Violation]:
    allowed = f"in {key.table}" + (f", except {key.orphan_share:.0%} of the rows" if key.orphan_share else "")
    found = _rows_of(database, table, raw, f'ANTI JOIN "{key.table}" USING ("{key.column}")', allowed, key.column)
    rows = open_table(raw, table).metadata.num_rows
    return [violation for violation in found if violation.count > key.orphan_share * rows]


def _rows_of(
    database: duckdb.DuckDBPyConnection, table: RawTable, raw: Path, join: str, rule: str, column: str
) -> list[Violation]:
    """Return the violation of `rule` by the rows that `join` leaves over; none where it leaves none."""
    left = database.execute(f'SELECT count(*) FROM "{table.name}" {join}').fetchone()
    assert left is not None
    if not left[0]:
        return []
    first = database.execute(
        f"SELECT file_row_number FROM read_parquet(?, file_row_number = true) {join} ORDER BY 1 LIMIT {FIRST_ROWS}",
        [str(raw_path(raw, table))],
    ).fetchall()
    rows = [row for (row,) in first]
    return [Violation(rule=rule, column=f"{table.name}.{column}", count=left[0], first_rows=rows)]
