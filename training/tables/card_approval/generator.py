"""Sample data of both forms: the scorecard's made-up clients as the raw tables that hold them.

Counts are the published ones, scaled: of 438,557 applications 47 repeat another's ID, and 36,457 clients have months
of credit too, next to 9,528 clients of whom no application is known. A client's months run without a gap to the
latest, back to -60 at most; each follows from the one before it by fixed chances. A defaulter's debt ages a month at
a time, from 1 (30 days past due) to 3 and on until it is paid or stays at 5; nobody else's gets past 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from scoring.expected import DataError
from scoring.scorecards.card_approval import SCORECARD
from scoring.scorecards.parts.card_approval.sample import DEFAULT_SHARE, sample_with_doubles
from training.tables import TableFormat, Tell

APPLICATIONS = 438_557
REPEATED = 47 / APPLICATIONS
CLIENTS = 36_457 / APPLICATIONS
WITHOUT_APPLICATION = 9_528 / APPLICATIONS
FIRST_ID, LAST_ID = 5_001_711, 7_999_952

MONTHS = 61
STATES = ("X", "0", "1", "2", "3", "4", "5", "C")
LATE = STATES.index("3")
"""From here to 5 a month counts as a default."""
FIRST_STATE = np.cumsum([0.38, 0.55, 0.0, 0.0, 0.0, 0.0, 0.0, 0.07])
# The chances of the next month's state, by this month's; 3, 4 and 5 are reached by defaulters alone.
NEXT_STATE = np.cumsum(
    [
        [0.920, 0.060, 0.000, 0.000, 0.000, 0.000, 0.000, 0.020],
        [0.008, 0.906, 0.026, 0.000, 0.000, 0.000, 0.000, 0.060],
        [0.000, 0.820, 0.100, 0.060, 0.000, 0.000, 0.000, 0.020],
        [0.000, 0.600, 0.300, 0.050, 0.000, 0.000, 0.000, 0.050],
        [0.000, 0.350, 0.000, 0.000, 0.000, 0.650, 0.000, 0.000],
        [0.000, 0.250, 0.000, 0.000, 0.000, 0.000, 0.750, 0.000],
        [0.000, 0.020, 0.000, 0.000, 0.000, 0.000, 0.900, 0.080],
        [0.012, 0.008, 0.000, 0.000, 0.000, 0.000, 0.000, 0.980],
    ],
    axis=1,
)

Integers = NDArray[np.int64]


def generate(folder: Path, applications: int, seed: int, tell: Tell, file_format: TableFormat = "parquet") -> None:
    """Write `application_record` with this many rows, and `credit_record`.

    Raises DataError for more applications than there are IDs in the published range.
    """
    random = np.random.default_rng(seed)
    clients, unknown = round(applications * CLIENTS), round(applications * WITHOUT_APPLICATION)
    if applications + unknown > LAST_ID - FIRST_ID:
        raise DataError(f"card_approval: {applications:,} applications are more than there are IDs")
    ids = FIRST_ID + random.choice(LAST_ID - FIRST_ID, applications + unknown, replace=False)
    known = sample_with_doubles(random, clients)
    others = sample_with_doubles(random, applications - clients)
    columns = {name: np.concatenate([known[name], others[name]]) for name in SCORECARD.columns}
    columns["ID"] = ids[:applications].copy()
    repeated = clients + random.permutation(applications - clients)[: round(applications * REPEATED)]
    columns["ID"][repeated] = random.choice(ids[:applications], len(repeated))
    _write(folder, "application_record", _applications(columns, random.permutation(applications)), file_format)
    tell("application_record", applications)
    owners = np.concatenate([ids[:clients], ids[applications:]])
    defaults = np.concatenate([known["TARGET"], random.random(unknown) < DEFAULT_SHARE]).astype(bool)
    _write(folder, "credit_record", _months(random, owners, defaults), file_format)
    tell("credit_record", 0)


def generate_labelled(
    folder: Path, applications: int, seed: int, tell: Tell, file_format: TableFormat = "parquet"
) -> None:
    """Write `application_record_with_default` with this many rows."""
    columns = sample_with_doubles(np.random.default_rng(seed), applications)
    table = _applications(columns, np.arange(applications))
    labelled = table.append_column("Default", pa.array(columns["TARGET"]))
    _write(folder, "application_record_with_default", labelled, file_format)
    tell("application_record_with_default", applications)


def _applications(columns: dict[str, NDArray[Any]], order: Integers) -> pa.Table:
    """Return the raw table's columns in their order; a mobile phone, which everybody has, stands before the others."""
    names = ["ID", *SCORECARD.columns]
    arrays = {name: pa.array(columns[name][order]) for name in names}
    arrays["FLAG_MOBIL"] = pa.array(np.ones(len(order), dtype=np.int64))
    names.insert(names.index("FLAG_WORK_PHONE"), "FLAG_MOBIL")
    return pa.table({name: arrays[name] for name in names})


def _months(random: np.random.Generator, owners: Integers, defaults: NDArray[np.bool_]) -> pa.Table:
    """Return the months of each owner."""
    count = len(owners)
    # On average 23 months, the oldest of them up to 60 back, and for two owners in three up to now.
    oldest = np.floor(MONTHS * random.beta(1.1, 1.25, count)).astype(np.int64)
    latest = np.where(random.random(count) < 0.67, 0, np.floor(oldest * random.random(count))).astype(np.int64)
    length = oldest - latest + 1
    # Where a default begins, counted from the oldest month; the records may begin after the debt did.
    turn = np.where(defaults, np.floor(length * random.random(count)), MONTHS + 3).astype(np.int64)
    states = np.empty((MONTHS, count), dtype=np.int8)
    states[0] = np.searchsorted(FIRST_STATE, random.random(count))
    for month in range(1, MONTHS):
        chances = NEXT_STATE[states[month - 1]]
        states[month] = (chances < random.random(count)[:, None]).sum(axis=1)
        _age(states[month], month - turn)
    _age(states[0], -turn)
    # An owner's months from the latest back.
    owner, back = np.nonzero(np.arange(MONTHS) < length[:, None])
    number = length[owner] - 1 - back
    return pa.table(
        {
            "ID": pa.array(owners[owner]),
            "MONTHS_BALANCE": pa.array(number - oldest[owner]),
            "STATUS": pa.array(np.array(STATES, dtype=object)[states[number, owner]]),
        }
    )


def _age(states: NDArray[np.int8], since: Integers) -> None:
    """Give the three months up to a default, `since` -2 to 0, the states 1, 2 and 3."""
    near = (since >= -2) & (since <= 0)
    states[near] = LATE + since[near]


def _write(folder: Path, name: str, table: pa.Table, file_format: TableFormat) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if file_format == "parquet":
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    else:
        csv.write_csv(table, folder / f"{name}.csv", csv.WriteOptions(quoting_style="needed"))
