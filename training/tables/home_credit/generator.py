"""Sample data for home_credit: all seven tables at any scale, in bounded memory, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scoring.leftovers import scratch_folder
from training.tables import TableFormat, Tell
from training.tables.home_credit import balances, bureau, clients, loans
from training.tables.home_credit.tables import TABLES_BY_NAME as TABLES
from training.tables.sampling import finish

CHUNK_CLIENTS = 20_000


def generate(folder: Path, applications: int, seed: int, tell: Tell, file_format: TableFormat = "parquet") -> None:
    """Write `<folder>/<table>.<file_format>` for the seven tables, all of them or none.

    The other tables have as many rows for each application as the published files: 307,511 applications come with
    about 27.3 million rows of bureau_balance. `tell` receives how many more applications are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder, ".sample") as aside:
        with ExitStack() as stack:
            writers: dict[str, pq.ParquetWriter | pyarrow.csv.CSVWriter] = {}
            for count, chunk in _chunks(applications, seed):
                for name, rows in chunk:
                    if name not in writers:
                        path = aside / f"{name}.{file_format}"
                        writers[name] = stack.enter_context(_writer(path, rows.schema, file_format))
                    writers[name].write_table(rows)
                tell("sample data", count)
        for written in aside.iterdir():
            written.replace(folder / written.name)


def _writer(path: Path, schema: pa.Schema, file_format: TableFormat) -> pq.ParquetWriter | pyarrow.csv.CSVWriter:
    if file_format == "csv":
        return pyarrow.csv.CSVWriter(path, schema)
    # Without Arrow's own schema in the file, texts are read as texts and not as dictionaries.
    return pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)


def _chunks(applications: int, seed: int) -> Iterator[tuple[int, Iterator[tuple[str, pa.Table]]]]:
    """Return for each chunk its number of applications, and its part of each table."""
    keys = {"bureau": bureau.FIRST_ID, "previous": loans.FIRST_ID}
    for number, first in enumerate(range(0, applications, CHUNK_CLIENTS)):
        count = min(CHUNK_CLIENTS, applications - first)
        yield count, _chunk(np.random.default_rng([seed, number]), first, count, keys)


def _chunk(random: np.random.Generator, first: int, count: int, keys: dict[str, int]) -> Iterator[tuple[str, pa.Table]]:
    def rows(name: str, data: dict[str, NDArray[np.generic]]) -> tuple[str, pa.Table]:
        # The published files are in no order either.
        order = random.permutation(len(next(iter(data.values()))))
        return name, finish(TABLES[name], data, order)

    people = clients.draw_clients(random, first, count)
    yield rows("application_train", clients.draw_applications(random, people, TABLES["application_train"]))
    credits_, owner = bureau.draw_credits(random, people, TABLES["bureau"], keys["bureau"])
    keys["bureau"] += len(owner)
    yield rows("bureau", credits_)
    yield rows("bureau_balance", bureau.draw_months(random, people, TABLES["bureau_balance"], credits_, owner))
    previous, taken = loans.draw_previous(random, people, TABLES["previous_application"], keys["previous"])
    keys["previous"] += len(previous["SK_ID_PREV"])
    yield rows("previous_application", previous)
    yield rows("POS_CASH_balance", balances.draw_pos(random, people, TABLES["POS_CASH_balance"], taken))
    yield rows("credit_card_balance", balances.draw_card(random, people, TABLES["credit_card_balance"], taken))
    yield rows("installments_payments", balances.draw_payments(random, people, taken))
