"""DuckDB over a folder of raw Parquet files, within a stated amount of memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.expected import DataError
from scoring.leftovers import scratch_folder
from training.tables.table import RawTable

MEMORY = "2GB"
THREADS = 2


def raw_path(raw: Path, table: RawTable) -> Path:
    """Return where a raw table lies in the folder."""
    return raw / f"{table.name}.parquet"


def open_table(raw: Path, table: RawTable) -> pq.ParquetFile:
    """Open the table's file.

    Raises:
        DataError: it is missing, or no whole Parquet file.
    """
    path = raw_path(raw, table)
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; it holds the raw table {table.name}") from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {first_line(error)}") from error


def count_rows(tables: Sequence[RawTable], raw: Path) -> int:
    """Return the rows of all tables together, as the files say."""
    return sum(open_table(raw, table).metadata.num_rows for table in tables)


def first_line(error: Exception) -> str:
    """Return the first line of an error."""
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


@contextmanager
def connect(
    tables: Sequence[RawTable], raw: Path, spill_folder: Path, memory: str, threads: int
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a database in memory in which each raw table is a view of its name.

    Data that do not fit into `memory` go to a folder in `spill_folder` that is removed afterwards. An error of the
    database becomes a DataError.
    """
    spill_folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(spill_folder, ".duckdb") as spill:
        configuration: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(spill),
        }
        with duckdb.connect(config=configuration) as connection:
            try:
                # Its bar would write over ours.
                connection.execute("SET enable_progress_bar = false")
                for table in tables:
                    open_table(raw, table).close()
                    # A view takes no parameters.
                    path = str(raw_path(raw, table)).replace("'", "''")
                    connection.execute(f"""CREATE VIEW "{table.name}" AS SELECT * FROM read_parquet('{path}')""")
                yield connection
            except duckdb.Error as error:
                raise DataError(f"{raw}: {first_line(error)}") from error
