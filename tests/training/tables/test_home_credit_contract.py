from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from training.tables import TableSet
from training.tables.contract import check

OUT_OF_PLACE: list[tuple[str, str, Any, str]] = [
    ("application_train", "DAYS_BIRTH", 365_243, "-36525 to -6570"),
    ("application_train", "EXT_SOURCE_2", 1.5, "0 to 1"),
    ("application_train", "AMT_INCOME_TOTAL", float("inf"), "1 to 1000000000"),
    ("application_train", "TARGET", 2, "0 to 1"),
    ("application_train", "CODE_GENDER", "Q", "a known choice"),
    ("bureau", "DAYS_CREDIT_ENDDATE", 365_243, "-50000 to 40000"),
    ("bureau", "DAYS_CREDIT", 1, "-3650 to 0"),
    ("bureau_balance", "STATUS", "6", "a known choice"),
    ("previous_application", "DAYS_DECISION", 365_243, "-3650 to 0"),
    ("previous_application", "DAYS_LAST_DUE", 365_242, "-3650 to 3650 or 365243"),
    ("POS_CASH_balance", "MONTHS_BALANCE", 1, "-120 to 0"),
    ("credit_card_balance", "CNT_DRAWINGS_CURRENT", -1, "0 to 1000"),
    ("installments_payments", "DAYS_INSTALMENT", 3, "-3650 to 0"),
]


def violations(
    tables: TableSet, sample: Path, tmp_path: Path, changed: Mapping[str, pd.DataFrame]
) -> list[tuple[str, str]]:
    raw = tmp_path / "raw"
    shutil.copytree(sample, raw)
    for name, frame in changed.items():
        frame.to_parquet(raw / f"{name}.parquet", index=False)
    report = check(tables, raw, tmp_path, lambda what, done: None)
    return [(item.column, item.rule) for item in report.violations]


def test_every_value_out_of_place_is_named(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    changed = {table: pd.read_parquet(sample / f"{table}.parquet") for table, *_ in OUT_OF_PLACE}
    for table, column, value, _ in OUT_OF_PLACE:
        changed[table].loc[3, column] = value
    named = [(f"{table}.{column}", rule) for table, column, _, rule in OUT_OF_PLACE]
    assert sorted(violations(home_credit, sample, tmp_path, changed)) == sorted(named)


def test_the_sentinel_of_employment_needs_its_organization(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(sample / "application_train.parquet")
    row = frame.index[frame["DAYS_EMPLOYED"] == 365_243][0]
    frame.loc[row, "ORGANIZATION_TYPE"] = "School"
    assert violations(home_credit, sample, tmp_path, {"application_train": frame}) == [
        ("application_train.DAYS_EMPLOYED", "365243 only where ORGANIZATION_TYPE is XNA")
    ]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("bureau", "SK_ID_BUREAU"),
        ("bureau_balance", "SK_ID_BUREAU, MONTHS_BALANCE"),
        ("POS_CASH_balance", "SK_ID_PREV, MONTHS_BALANCE"),
    ],
)
def test_a_row_that_is_there_twice_is_named(
    home_credit: TableSet, sample: Path, tmp_path: Path, table: str, key: str
) -> None:
    frame = pd.read_parquet(sample / f"{table}.parquet")
    twice = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    assert violations(home_credit, sample, tmp_path, {table: twice}) == [(f"{table}.{key}", "unique")]


def test_an_instalment_may_be_paid_in_parts(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(sample / "installments_payments.parquet")
    twice = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    assert violations(home_credit, sample, tmp_path, {"installments_payments": twice}) == []


def test_most_rows_without_their_client_are_too_many(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(sample / "bureau.parquet")
    frame.loc[frame.index[: len(frame) // 2], "SK_ID_CURR"] = 999_999
    assert violations(home_credit, sample, tmp_path, {"bureau": frame}) == [
        ("bureau.SK_ID_CURR", "in application_train, except 25% of the rows")
    ]
