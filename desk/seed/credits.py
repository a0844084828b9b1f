"""Credits and the payments on them: made up, or read from a file of the published form."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desk.database.people import Credit
from scoring.application import FieldRule
from scoring.expected import DataError
from scoring.tables.batches import TableBatch, whole
from scoring.tables.columns import UnfitColumnError, read_column
from scoring.tables.header import Expected
from scoring.tables.places import place
from scoring.tables.table_file import open_table

STATUSES = ("X", "C", "0", "1", "2", "3", "4", "5")
"""The statuses of a month, as in Kaggle's credit_record.csv; `Credit.payment_history` says what each means."""
LONGEST_HISTORY = 600
_RULES = (
    FieldRule("id", "ID", "integer", True, minimum=0, maximum=2.0**53),
    FieldRule("months_balance", "MONTHS_BALANCE", "integer", True, minimum=-LONGEST_HISTORY, maximum=0),
    FieldRule("status", "STATUS", "text", True, choices=STATUSES),
)
_EXPECTED = Expected("a history of payments", {rule.column: rule.column for rule in _RULES})
# From each status the chance of each in the month after. Made up: most pay, who falls behind mostly catches up.
_NEXT = np.array(
    [
        [0.88, 0.02, 0.10, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.03, 0.90, 0.07, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.01, 0.08, 0.89, 0.02, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.10, 0.65, 0.15, 0.10, 0.00, 0.00, 0.00],
        [0.00, 0.05, 0.35, 0.20, 0.15, 0.25, 0.00, 0.00],
        [0.00, 0.02, 0.15, 0.10, 0.13, 0.20, 0.40, 0.00],
        [0.00, 0.01, 0.07, 0.05, 0.07, 0.10, 0.20, 0.50],
        [0.00, 0.01, 0.03, 0.02, 0.02, 0.02, 0.05, 0.85],
    ]
)
_NEXT_OR_BEFORE = _NEXT.cumsum(axis=1)[:, :-1]

History = list[dict[str, Any]]
"""Months, the oldest first, as `Credit.payment_history` has them."""


def made_up_histories(generator: np.random.Generator, count: int) -> list[History]:
    """Return histories of 6 to 60 months."""
    lengths = generator.integers(6, 61, size=count)
    status = generator.choice([0, 1, 2], p=[0.2, 0.2, 0.6], size=count)
    drawn = []
    for _ in range(60):
        drawn.append(status)
        status = (_NEXT_OR_BEFORE[status] <= generator.random((count, 1))).sum(axis=1)
    histories = np.array(drawn).T
    return [
        [{"month": month, "status": STATUSES[status]} for month, status in enumerate(history[-length:], 1 - length)]
        for history, length in zip(histories.tolist(), lengths.tolist(), strict=True)
    ]


def read_histories(address: str, count: int) -> list[History]:
    """Read the histories of the first clients of a file.

    Args:
        address: of a CSV or Parquet file with the columns ID, MONTHS_BALANCE and STATUS, the rows in any order.
        count: how many clients.

    Raises:
        DataError: the file cannot be read or has too few clients, or a row breaks a rule; the message names row, column
            and rule.
    """
    months: dict[int, dict[int, str]] = {}
    file = open_table(place(address), _EXPECTED)
    names = [rule.column for rule in _RULES]
    if missing := [name for name in names if name not in file.schema.names]:
        raise DataError(f"{file.shown}: {missing[0]}: Column is missing")
    start = 0
    for batch in whole(file.read(names)):
        keys, numbers, statuses = _columns(batch, start)
        for key, month, status in zip(keys.tolist(), numbers.tolist(), statuses.tolist(), strict=True):
            if key not in months and len(months) == count:
                continue
            known = months.setdefault(int(key), {})
            if known.setdefault(int(month), status) != status:
                raise DataError(f"{file.shown}: client {int(key)} has two statuses in month {int(month)}")
        start += batch.rows
    if len(months) < count:
        raise DataError(f"{file.shown} has the payments of {len(months):,} clients, {count:,} are needed")
    return [
        [{"month": month, "status": status} for month, status in sorted(history.items())] for history in months.values()
    ]


def _columns(batch: TableBatch, start: int) -> Iterator[NDArray[Any]]:
    """Yield the values of each column of a batch whose first row has that position in the file."""
    for rule in _RULES:
        try:
            read = read_column(
                rule.column,
                batch.table.column(rule.column),
                rule,
                optional=False,
                as_text=batch.as_text,
                decimal=batch.decimal,
            )
        except UnfitColumnError as error:
            raise DataError(f"{batch.shown}: {error}") from None
        if not read.passed.all():
            row = int(np.flatnonzero(~read.passed)[0])
            broken = read.broken_rule(row)
            assert broken is not None
            position = start + int(batch.positions[row])
            raise DataError(f"{batch.shown}: row {position:,}: {rule.column}: {broken.message}")
        yield read.values


def made_up_credits(generator: np.random.Generator, client_ids: list[int], histories: list[History]) -> list[Credit]:
    """Return a credit for each client, with its history of payments; amounts and rates are made up."""
    amounts = np.round(generator.lognormal(11.4, 0.7, len(client_ids)).clip(5_000, 2_000_000), -2)
    rates = np.round(generator.uniform(0.079, 0.249, len(client_ids)), 3)
    return [
        Credit(
            client_id=client_id,
            amount_total=Decimal(f"{amount:.2f}"),
            annual_rate=Decimal(f"{rate:.4f}"),
            payment_history=history,
        )
        for client_id, amount, rate, history in zip(client_ids, amounts, rates, histories, strict=True)
    ]
