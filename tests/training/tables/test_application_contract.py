from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from inline_snapshot import snapshot

from tests.arrow import arrow
from tests.training.models import CARD
from training.split import split_rows
from training.tables.application_contract import check, typed


def frame(rows: int = 200) -> pd.DataFrame:
    return pd.DataFrame(CARD.sample(np.random.default_rng(2), rows))


def test_sample_data_hold_the_contract() -> None:
    assert check(CARD, typed(CARD, arrow(frame()))).holds


def test_every_broken_rule_is_named_with_column_count_and_first_rows() -> None:
    broken = frame()
    broken.loc[5, "PAY_0"] = 99
    broken.loc[[6, 7, 8, 9, 10, 11], "LIMIT_BAL"] = -1
    broken.loc[[7, 8], "ID"] = 1
    broken.loc[3, "BILL_AMT1"] = np.nan
    broken.loc[4, "PAY_AMT1"] = np.inf
    broken.loc[9, CARD.target] = 2
    broken["EDUCATION"] = broken["EDUCATION"].astype(float)
    broken.loc[[2, 3], "EDUCATION"] = 1.5
    broken["SEX"] = broken["SEX"].astype(str)
    broken.loc[12, "SEX"] = "female"
    broken["INCOME"] = 1
    report = check(CARD, typed(CARD, arrow(broken.drop(columns="AGE"))))
    assert not report.holds
    assert [violation.model_dump() for violation in report.violations] == snapshot(
        [
            {"rule": "column_in_dataframe", "column": "AGE", "count": 1, "first_rows": []},
            {"rule": "column_in_schema", "column": "INCOME", "count": 1, "first_rows": []},
            {"rule": "whole numbers", "column": "EDUCATION", "count": 2, "first_rows": [2, 3]},
            {"rule": "numbers, not text", "column": "SEX", "count": 1, "first_rows": [12]},
            {"rule": "field_uniqueness", "column": "ID", "count": 3, "first_rows": [0, 7, 8]},
            {"rule": "in_range(-2.0, 9.0)", "column": "PAY_0", "count": 1, "first_rows": [5]},
            {"rule": "in_range(0.0, 10000000.0)", "column": "PAY_AMT1", "count": 1, "first_rows": [4]},
            {"rule": "in_range(1.0, 10000000.0)", "column": "LIMIT_BAL", "count": 6, "first_rows": [6, 7, 8, 9, 10]},
            {"rule": "0 or 1", "column": "default.payment.next.month", "count": 1, "first_rows": [9]},
            {"rule": "not_nullable", "column": "BILL_AMT1", "count": 1, "first_rows": [3]},
        ]
    )


@pytest.mark.parametrize("written", ["100000.0", "1e+05"])
def test_whole_numbers_may_be_written_as_floats(written: str) -> None:
    table = frame()
    table["LIMIT_BAL"] = float(written)
    table["PAY_0"] = table["PAY_0"].astype(float)
    result = typed(CARD, arrow(table))
    assert result["PAY_0"].dtype == np.int64
    assert check(CARD, result).holds


def test_duplicates_stay_on_one_side_and_the_shares_hold() -> None:
    table = frame(2_000)
    table = pd.concat([table, table.head(400).assign(ID=lambda rows: rows["ID"] + 10_000)], ignore_index=True)
    train, test = split_rows(CARD, table, test_share=0.2, seed=1)
    assert sorted([*train, *test]) == list(range(2_400))
    fields = list(CARD.columns)
    sides = pd.concat([table.iloc[train][fields].drop_duplicates(), table.iloc[test][fields].drop_duplicates()])
    assert not sides.duplicated().any()
    assert len(test) == pytest.approx(480, abs=40)
    assert table[CARD.target].iloc[test].mean() == pytest.approx(table[CARD.target].mean(), abs=0.02)


def test_the_split_repeats_for_a_seed_and_differs_for_another() -> None:
    table = frame(1_000)
    one, other = (split_rows(CARD, table, test_share=0.2, seed=seed)[1].tolist() for seed in (1, 2))
    assert one == split_rows(CARD, table, test_share=0.2, seed=1)[1].tolist()
    assert one != other


@pytest.mark.parametrize(
    ("values", "cells", "rule"),
    [
        (("paid", "unpaid"), ["paid", "unpaid", "Paid", "0"], "paid or unpaid"),
        ((1, 2), [1, 2, 0, 3], "1 or 2"),
        ((0, 1), [0, 1, 2, -1], "0 or 1"),
    ],
)
def test_a_target_is_told_by_the_values_that_the_scorecard_declares(
    values: tuple[int, int] | tuple[str, str], cells: list[int | str], rule: str
) -> None:
    card = replace(CARD, target_values=values)
    sample = CARD.sample(np.random.default_rng(1), 4)
    table = pa.Table.from_pydict({**sample, CARD.target: cells})
    report = check(card, typed(card, table))
    assert [(item.column, item.rule, item.first_rows) for item in report.violations] == [(CARD.target, rule, [2, 3])]
    good = table.take([0, 1])
    assert check(card, typed(card, good)).holds
    assert typed(card, good)[CARD.target].tolist() == [0, 1]
