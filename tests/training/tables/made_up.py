"""A made-up product of two raw tables, for the machinery that knows no product."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from training.tables import TableFormat, TableSet, Tell
from training.tables.table import ForeignKey, raw_table

CLIENTS = """column,kind,missing,minimum,maximum,sentinel,typical,choices
ID,integer,0,1,100000,,,
DAYS,integer,0,-20000,0,365243 with KIND=none,,
AGE,integer,0.1,0,120,,,
AMOUNT,number,0.1,0,1000,,,
KIND,text,0,,,,,work=0.8|none=0.2
"""
PAYMENTS = """column,kind,missing,minimum,maximum,sentinel,typical,choices
ID,integer,0,1,100000,,,
PAYMENT,integer,0,1,100000,,,
PAID,number,0,0,1000,,,
"""
PAYMENTS_SQL = """
SELECT ID, count(PAYMENT) AS payments_count, amount_sum(PAID) AS payments_sum
FROM clients LEFT JOIN payments USING (ID)
GROUP BY ID;
"""
FEATURES_SQL = """
SELECT clients.*, payments_features.* EXCLUDE ID
FROM clients JOIN payments_features USING (ID)
ORDER BY ID
"""


def generate(folder: Path, applications: int, seed: int, tell: Tell, file_format: TableFormat = "parquet") -> None:
    raise AssertionError("the made-up product has no sample data; its tests bring their rows")


def made_up(folder: Path, orphan_share: float = 0.0) -> TableSet:
    """The table set, with its descriptions and queries in `folder`."""
    (folder / "sql").mkdir(parents=True)
    (folder / "clients.csv").write_text(CLIENTS)
    (folder / "payments.csv").write_text(PAYMENTS)
    (folder / "sql" / "payments.sql").write_text(PAYMENTS_SQL)
    (folder / "sql" / "features.sql").write_text(FEATURES_SQL)
    payments = raw_table(folder / "payments.csv", ["PAYMENT"], [ForeignKey("ID", "clients", orphan_share)])
    return TableSet("made_up", "ID", (raw_table(folder / "clients.csv", ["ID"]), payments), generate, folder / "sql")


def clients() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ID": [3, 1, 2, 4],
            "DAYS": [-10, 365243, -30, -40],
            "AGE": [30.0, None, 50.0, 60.0],
            "AMOUNT": [1.5, 2.5, None, 4.0],
            "KIND": ["work", "none", "work", "work"],
        }
    )


def payments() -> pd.DataFrame:
    return pd.DataFrame({"ID": [1, 1, 3, 4], "PAYMENT": [1, 2, 3, 4], "PAID": [0.1, 0.2, 5.0, 7.25]})


def write(raw: Path, **tables: pd.DataFrame) -> Path:
    """The tables, these instead of the good ones, as the Parquet files of a raw folder."""
    raw.mkdir(parents=True, exist_ok=True)
    for name, table in ({"clients": clients(), "payments": payments()} | tables).items():
        table.to_parquet(raw / f"{name}.parquet", index=False)
    return raw
