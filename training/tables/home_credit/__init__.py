"""The raw tables of home_credit (Home Credit Default Risk, Kaggle 2018)."""

from __future__ import annotations

from pathlib import Path

from training.tables import TableSet
from training.tables.home_credit.generator import generate
from training.tables.home_credit.tables import TABLES_BY_NAME

TABLES = (
    TableSet(
        name="home_credit",
        key="SK_ID_CURR",
        tables=tuple(TABLES_BY_NAME.values()),
        generate=generate,
        sql=Path(__file__).parent / "sql",
    ),
)
