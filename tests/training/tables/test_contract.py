from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scoring.expected import DataError
from tests.training.tables.made_up import clients, made_up, payments, write
from training.tables import contract


def broken(tmp_path: Path, orphan_share: float = 0.0, **tables: pd.DataFrame) -> list[tuple[Any, ...]]:
    raw = write(tmp_path / "raw", **tables)
    report = contract.check(made_up(tmp_path / "set", orphan_share), raw, tmp_path, lambda what, done: None)
    return [(item.column, item.rule, item.count, item.first_rows) for item in report.violations]


def test_good_tables_hold_their_contracts_and_every_row_is_told(tmp_path: Path) -> None:
    told: dict[str, int] = {}
    raw = write(tmp_path / "raw")
    report = contract.check(
        made_up(tmp_path / "set"), raw, tmp_path, lambda what, done: told.update({what: told.get(what, 0) + done})
    )
    assert report.holds
    assert (report.scorecard, report.rows) == ("made_up", 8)
    assert told == {"clients": 4, "payments": 4, "keys of clients": 0, "keys of payments": 0}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("DAYS", [-10, 365243, 365243, -40], ("365243 only where KIND is none", 1, [2])),
        ("DAYS", [-10, 365243, 5, -20001], ("-20000 to 0 or 365243", 2, [2, 3])),
        ("DAYS", ["-10", "2", "x", "4"], ("numbers, not text", 1, [2])),
        ("AGE", [30.0, None, 50.5, 60], ("whole numbers", 1, [2])),
        ("AGE", ["30", None, "50", "60"], ("numbers, not text", 3, [0, 2, 3])),
        ("AMOUNT", [1.5, 2.5, float("inf"), 365243], ("0 to 1000", 2, [2, 3])),
        ("AMOUNT", [True, False, True, True], ("numbers, not booleans", 4, [0, 1, 2, 3])),
        ("KIND", ["work", "none", "work", "Work"], ("a known choice", 1, [3])),
        ("KIND", ["work", "none", "work", None], ("not_nullable", 1, [3])),
        ("KIND", [1, 2, 3, 4], ("texts", 4, [0, 1, 2, 3])),
        ("ID", [3, 1, 1, 4], ("unique", 2, [1, 2])),
        ("ID", [3, 1, 2.5, 4], ("whole numbers", 1, [2])),
    ],
)
def test_a_broken_column_is_named_with_its_table_rule_and_rows(
    tmp_path: Path, column: str, values: list[Any], expected: tuple[Any, ...]
) -> None:
    table = clients()
    table[column] = pd.Series(values)
    assert (f"clients.{column}", *expected) in broken(tmp_path, clients=table)


def test_texts_may_be_stored_as_a_dictionary(tmp_path: Path) -> None:
    assert not broken(tmp_path, clients=clients().astype({"KIND": "category"}))


def test_missing_and_unknown_columns_are_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "BATCH_ROWS", 1)
    table = payments().rename(columns={"PAID": "AMOUNT"})
    assert broken(tmp_path, payments=table) == [
        ("payments.PAID", "column_in_dataframe", 1, []),
        ("payments.AMOUNT", "column_in_schema", 1, []),
    ]


def test_rows_are_counted_over_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "BATCH_ROWS", 2)
    table = clients().assign(AMOUNT=[1.0, -1.0, -1.0, -1.0])
    assert broken(tmp_path, clients=table) == [("clients.AMOUNT", "0 to 1000", 3, [1, 2, 3])]


def test_a_missing_key_column_is_reported_once(tmp_path: Path) -> None:
    table = clients().drop(columns="ID")
    assert broken(tmp_path, clients=table) == [("clients.ID", "column_in_dataframe", 1, [])]


def test_an_empty_table_is_still_held_to_its_columns(tmp_path: Path) -> None:
    assert broken(tmp_path, payments=payments().iloc[:0].drop(columns="PAID")) == [
        ("payments.PAID", "column_in_dataframe", 1, [])
    ]


def test_orphans_are_named_where_there_are_more_than_allowed(tmp_path: Path) -> None:
    table = payments().assign(ID=[1, 9, 3, 4])
    assert broken(tmp_path / "none", payments=table) == [("payments.ID", "in clients", 1, [1])]
    assert not broken(tmp_path / "some", 0.25, payments=table)
    assert broken(tmp_path / "fewer", 0.2, payments=table) == [
        ("payments.ID", "in clients, except 20% of the rows", 1, [1])
    ]


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_truncated_file_is_one_clear_line(tmp_path: Path, kept: int) -> None:
    raw = write(tmp_path / "raw")
    file = raw / "payments.parquet"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"payments\.parquet: not a whole Parquet file") as error:
        contract.check(made_up(tmp_path / "set"), raw, tmp_path, lambda what, done: None)
    assert "\n" not in str(error.value)


def test_a_page_that_is_damaged_inside_is_one_clear_line(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw")
    file = raw / "payments.parquet"
    content = bytearray(file.read_bytes())
    content[4:200] = bytes(196)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"payments\.parquet: not a whole Parquet file"):
        contract.check(made_up(tmp_path / "set"), raw, tmp_path, lambda what, done: None)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw")
    (raw / "clients.parquet").unlink()
    with pytest.raises(DataError, match=r"clients\.parquet: no such file; it holds the raw table clients"):
        contract.check(made_up(tmp_path / "set"), raw, tmp_path, lambda what, done: None)
