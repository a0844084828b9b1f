"""The queries against the same aggregates in pandas, and what must not change them."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.scorecards.parts.home_credit.history import HISTORY
from training.tables import TableSet
from training.tables.build import build, queries
from training.tables.home_credit.tables import TABLES_BY_NAME

HISTORY_TABLES = [name for name in TABLES_BY_NAME if name != "application_train"]


@pytest.fixture(scope="module")
def result(features: Path) -> pd.DataFrame:
    return pd.read_parquet(features).set_index("SK_ID_CURR")


def read(sample: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(sample / f"{name}.parquet")


def hold(result: pd.DataFrame, expected: dict[str, pd.Series], empty: float = math.nan) -> None:
    """Each column is the recomputed one, `empty` for clients that have no row in it."""
    for name, values in expected.items():
        wanted = values.reindex(result.index).astype(float).fillna(empty)
        np.testing.assert_allclose(result[name], wanted, rtol=1e-5, atol=1e-5, err_msg=name)


def rebuilt(tables: TableSet, sample: Path, tmp_path: Path, threads: int = 2, **changed: pd.DataFrame) -> Path:
    raw = tmp_path / "raw"
    shutil.copytree(sample, raw)
    for name, frame in changed.items():
        frame.to_parquet(raw / f"{name}.parquet", index=False)
    build(tables, raw, tmp_path / "features.parquet", lambda what, done: None, threads=threads)
    return tmp_path / "features.parquet"


def test_the_columns_are_the_applications_and_the_stated_history(sample: Path, result: pd.DataFrame) -> None:
    application = read(sample, "application_train").set_index("SK_ID_CURR").sort_index()
    assert list(result.columns[: len(application.columns)]) == list(application.columns)
    assert sorted(result.columns[len(application.columns) :]) == sorted(HISTORY)
    assert len(HISTORY) >= 150
    assert result.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(result[application.columns], application)


def test_history_is_single_precision_and_never_infinite(result: pd.DataFrame) -> None:
    history = result[list(HISTORY)]
    assert set(history.dtypes) == {np.dtype("float32")}
    assert not np.isinf(history.to_numpy()).any()
    # What has a stated zero is never missing.
    assert history[[name for name, default in HISTORY.items() if default == 0]].notna().all(axis=None)


def test_bureau_by_hand(sample: Path, result: pd.DataFrame) -> None:
    rows = read(sample, "bureau")
    rows = rows[rows["DAYS_CREDIT_UPDATE"] <= 0]
    active = rows[rows["CREDIT_ACTIVE"] == "Active"].groupby("SK_ID_CURR")
    every, recent = rows.groupby("SK_ID_CURR"), rows[rows["DAYS_CREDIT"] >= -730].groupby("SK_ID_CURR")
    hold(
        result,
        {
            "bureau_count": every.size(),
            "bureau_active_count": active.size(),
            "bureau_count_2y": recent.size(),
            "bureau_credit_sum_2y": recent["AMT_CREDIT_SUM"].sum(),
            "bureau_active_debt_sum": active["AMT_CREDIT_SUM_DEBT"].sum(),
        },
        empty=0,
    )
    hold(
        result,
        {
            "bureau_newest_days": -every["DAYS_CREDIT"].max(),
            "bureau_age_days_deviation": every["DAYS_CREDIT"].std(ddof=0),
            "bureau_credit_mean": every["AMT_CREDIT_SUM"].mean(),
            "bureau_active_debt_share": active["AMT_CREDIT_SUM_DEBT"].sum() / active["AMT_CREDIT_SUM"].sum(),
        },
    )


def test_an_end_before_the_beginning_and_a_negative_limit_are_none(
    home_credit: TableSet, sample: Path, features: Path, tmp_path: Path
) -> None:
    frame = read(sample, "bureau")
    card = (frame["CREDIT_TYPE"] == "Credit card") & (frame["CREDIT_ACTIVE"] == "Active")
    frame[["DAYS_CREDIT_ENDDATE", "DAYS_ENDDATE_FACT"]] = -42_000.0
    frame.loc[card, "AMT_CREDIT_SUM_LIMIT"] = -1.0
    built = pd.read_parquet(rebuilt(home_credit, sample, tmp_path, bureau=frame))
    for name in ("bureau_active_end_days_max", "bureau_last_closed_days", "bureau_early_days_mean"):
        assert built[name].isna().all()
        assert pd.read_parquet(features)[name].notna().any()
    assert built["bureau_card_utilisation"].isna().all()


def test_bureau_balance_by_hand(sample: Path, result: pd.DataFrame) -> None:
    rows = read(sample, "bureau_balance").merge(read(sample, "bureau")[["SK_ID_BUREAU", "SK_ID_CURR"]])
    rows["level"] = pd.to_numeric(rows["STATUS"], errors="coerce")
    every = rows.groupby("SK_ID_CURR")
    late = rows[rows["level"] > 0].groupby("SK_ID_CURR")
    recent = rows[(rows["MONTHS_BALANCE"] > -12) & rows["level"].notna()]
    hold(
        result,
        {"balance_months_count": every.size(), "balance_late_count": late.size()},
        empty=0,
    )
    hold(
        result,
        {
            "balance_status_max": every["level"].max(),
            "balance_status_mean": every["level"].mean(),
            "balance_last_late_months": -late["MONTHS_BALANCE"].max(),
            "balance_late_share_1y": (recent["level"] > 0).groupby(recent["SK_ID_CURR"]).mean(),
        },
    )


def test_previous_application_by_hand(sample: Path, result: pd.DataFrame) -> None:
    rows = read(sample, "previous_application")
    every, refused = (
        rows.groupby("SK_ID_CURR"),
        rows[rows["NAME_CONTRACT_STATUS"] == "Refused"].groupby("SK_ID_CURR"),
    )
    ended = rows[rows["DAYS_LAST_DUE"] != 365_243].groupby("SK_ID_CURR")
    planned = rows["DAYS_LAST_DUE_1ST_VERSION"].replace(365_243, np.nan)
    newest = rows.sort_values(["DAYS_DECISION", "SK_ID_PREV"]).groupby("SK_ID_CURR").last()
    hold(
        result,
        {
            "previous_count": every.size(),
            "previous_refused_count": refused.size(),
            "previous_running_count": (planned > 0).groupby(rows["SK_ID_CURR"]).sum(),
        },
        empty=0,
    )
    hold(
        result,
        {
            "previous_refused_share": refused.size().reindex(every.size().index).fillna(0) / every.size(),
            "previous_last_due_days": -ended["DAYS_LAST_DUE"].max(),
            "previous_planned_end_days_max": planned.groupby(rows["SK_ID_CURR"]).max(),
            "previous_newest_refused": (newest["NAME_CONTRACT_STATUS"] == "Refused").astype(float),
        },
    )


def test_pos_by_hand(sample: Path, result: pd.DataFrame) -> None:
    rows = read(sample, "POS_CASH_balance")
    every, recent = rows.groupby("SK_ID_CURR"), rows[rows["MONTHS_BALANCE"] >= -24]
    late = (recent["SK_DPD"] > 0).groupby(recent["SK_ID_CURR"])
    hold(result, {"pos_loans_count": every["SK_ID_PREV"].nunique(), "pos_late_count_2y": late.sum()}, empty=0)
    hold(
        result,
        {
            "pos_late_days_mean": every["SK_DPD"].mean(),
            "pos_late_share_2y": late.mean(),
            "pos_left_share": every["CNT_INSTALMENT_FUTURE"].sum() / every["CNT_INSTALMENT"].sum(),
        },
    )


def test_credit_card_by_hand(sample: Path, result: pd.DataFrame) -> None:
    rows = read(sample, "credit_card_balance")
    rows["used"] = rows["AMT_BALANCE"] / rows["AMT_CREDIT_LIMIT_ACTUAL"]
    every, recent = rows.groupby("SK_ID_CURR"), rows[rows["MONTHS_BALANCE"] >= -12].groupby("SK_ID_CURR")
    hold(
        result,
        {"card_months_count": every.size(), "card_drawings_sum_1y": recent["AMT_DRAWINGS_CURRENT"].sum()},
        empty=0,
    )
    hold(
        result,
        {
            "card_utilisation_mean_1y": recent["used"].mean(),
            "card_balance_max": every["AMT_BALANCE"].max(),
            "card_limit_mean": every["AMT_CREDIT_LIMIT_ACTUAL"].mean(),
        },
    )


def test_installments_by_hand(sample: Path, result: pd.DataFrame) -> None:
    rows = read(sample, "installments_payments")
    rows["delay"] = rows["DAYS_ENTRY_PAYMENT"] - rows["DAYS_INSTALMENT"]
    paid = rows.dropna(subset="delay")
    recent = paid[paid["DAYS_INSTALMENT"] >= -365]
    every = rows.groupby("SK_ID_CURR")
    hold(
        result,
        {
            "installments_count": every.size(),
            "installments_unpaid_count": rows["delay"].isna().groupby(rows["SK_ID_CURR"]).sum(),
            "installments_paid_sum": every["AMT_PAYMENT"].sum(),
            "installments_paid_sum_1y": recent.groupby("SK_ID_CURR")["AMT_PAYMENT"].sum(),
        },
        empty=0,
    )
    hold(
        result,
        {
            "installments_late_share_1y": (recent["delay"] > 0).groupby(recent["SK_ID_CURR"]).mean(),
            "installments_delay_mean": every["delay"].mean(),
            "installments_delay_deviation": every["delay"].std(ddof=0),
            "installments_delay_max": every["delay"].max(),
        },
    )


def test_a_client_without_history_gets_the_stated_defaults(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    empty = {name: read(sample, name).iloc[:0] for name in HISTORY_TABLES}
    # Types of an empty frame's columns are those of the full one but for texts.
    for name, frame in empty.items():
        texts = [column.name for column in TABLES_BY_NAME[name].columns if column.kind == "text"]
        empty[name] = frame.astype(dict.fromkeys(texts, "string"))
    built = pd.read_parquet(rebuilt(home_credit, sample, tmp_path, threads=2, **empty))
    for name, default in HISTORY.items():
        assert built[name].isna().all() if math.isnan(default) else (built[name] == default).all(), name


def after_the_application(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of each row as it would be if it came after the application."""
    later = frame.copy()
    match name:
        case "bureau":
            later["SK_ID_BUREAU"] += 2_000_000
            later["DAYS_CREDIT_UPDATE"] = 1
            later.loc[::2, "DAYS_CREDIT"] = 3
        case "previous_application":
            later["SK_ID_PREV"] += 2_000_000
            later["DAYS_DECISION"] = 1
        case "installments_payments":
            later.loc[::2, "DAYS_ENTRY_PAYMENT"] = 2.0
            later.loc[1::2, "DAYS_INSTALMENT"] = 2
        case _:
            later["MONTHS_BALANCE"] = 1
    return later


@pytest.mark.parametrize("name", HISTORY_TABLES)
def test_rows_after_the_application_change_nothing(
    home_credit: TableSet, sample: Path, features: Path, tmp_path: Path, name: str
) -> None:
    frame = read(sample, name)
    more: dict[str, Any] = {name: pd.concat([frame, after_the_application(name, frame)], ignore_index=True)}
    assert rebuilt(home_credit, sample, tmp_path, **more).read_bytes() == features.read_bytes()


def test_the_order_of_rows_and_the_number_of_threads_change_no_byte(
    home_credit: TableSet, sample: Path, features: Path, tmp_path: Path
) -> None:
    shuffled = {name: read(sample, name).sample(frac=1, random_state=5) for name in TABLES_BY_NAME}
    assert rebuilt(home_credit, sample, tmp_path, threads=1, **shuffled).read_bytes() == features.read_bytes()


def test_each_history_column_comes_from_the_query_of_its_table(
    home_credit: TableSet, sample: Path, tmp_path: Path
) -> None:
    lineage = build(home_credit, sample, tmp_path / "features.parquet", lambda what, done: None)
    assert [path.stem for path in queries(home_credit)][-1] == "features"
    origin = lineage.columns["balance_late_share_1y"]
    assert (origin.sql, origin.tables) == (
        "bureau_balance.sql",
        ["application_train", "bureau", "bureau_balance"],
    )
    assert {lineage.columns[name].sql for name in HISTORY} == {f"{name}.sql" for name in HISTORY_TABLES}
    application = [column.name for column in TABLES_BY_NAME["application_train"].columns]
    assert {lineage.columns[name].sql for name in application} == {"features.sql"}
