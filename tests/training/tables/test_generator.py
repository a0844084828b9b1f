from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.tables.conftest import APPLICATIONS
from training.tables import TableSet
from training.tables.contract import check
from training.tables.home_credit import generator
from training.tables.home_credit.tables import TABLES_BY_NAME

# The published row counts; see docs/explanation/features.md.
PUBLISHED_ROWS = {
    "application_train": 307_511,
    "bureau": 1_716_428,
    "bureau_balance": 27_299_925,
    "previous_application": 1_670_214,
    "POS_CASH_balance": 10_001_358,
    "credit_card_balance": 3_840_312,
    "installments_payments": 13_605_401,
}
LARGER = 6_000


def read(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES_BY_NAME}


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def larger(home_credit: TableSet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("larger")
    home_credit.generate(folder, LARGER, 7, lambda what, done: None)
    return read(folder)


def test_sample_data_hold_their_contracts(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    assert check(home_credit, sample, tmp_path, lambda what, done: None).violations == []


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    home_credit: TableSet, sample: Path, tmp_path: Path
) -> None:
    home_credit.generate(tmp_path / "same", APPLICATIONS, 42, lambda what, done: None)
    home_credit.generate(tmp_path / "other", APPLICATIONS, 43, lambda what, done: None)
    same, other = hashes(tmp_path / "same"), hashes(tmp_path / "other")
    assert same == hashes(sample)
    assert all(same[name] != other[name] for name in same)


def test_chunks_follow_each_other_and_are_told(
    home_credit: TableSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "CHUNK_CLIENTS", 40)
    told: list[int] = []
    home_credit.generate(tmp_path / "raw", 100, 1, lambda what, done: told.append(done))
    assert told == [40, 40, 20]
    assert check(home_credit, tmp_path / "raw", tmp_path, lambda what, done: None).holds
    assert len(pd.read_parquet(tmp_path / "raw" / "application_train.parquet")) == 100


def test_a_generation_that_fails_leaves_nothing(
    home_credit: TableSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "CHUNK_CLIENTS", 40)

    def stop(what: str, done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        home_credit.generate(tmp_path / "raw", 100, 1, stop)
    assert list((tmp_path / "raw").iterdir()) == []


def test_csv_holds_the_same_values(home_credit: TableSet, sample: Path, tmp_path: Path) -> None:
    home_credit.generate(tmp_path, APPLICATIONS, 42, lambda what, done: None, "csv")
    for name, expected in read(sample).items():
        found = pd.read_csv(tmp_path / f"{name}.csv", dtype=expected.dtypes.to_dict())
        pd.testing.assert_frame_equal(found.fillna("none"), expected.fillna("none"))


def test_every_key_leads_somewhere_and_to_the_same_client(sample: Path) -> None:
    tables = read(sample)
    clients = set(tables["application_train"]["SK_ID_CURR"])
    owners = tables["previous_application"].set_index("SK_ID_PREV")["SK_ID_CURR"]
    assert set(tables["bureau_balance"]["SK_ID_BUREAU"]) <= set(tables["bureau"]["SK_ID_BUREAU"])
    for name in ("bureau", "previous_application"):
        assert set(tables[name]["SK_ID_CURR"]) <= clients
    for name in ("POS_CASH_balance", "credit_card_balance", "installments_payments"):
        assert (tables[name]["SK_ID_PREV"].map(owners) == tables[name]["SK_ID_CURR"]).all()


def test_row_counts_are_in_the_published_proportion(larger: dict[str, pd.DataFrame]) -> None:
    for name, rows in PUBLISHED_ROWS.items():
        wanted = rows / PUBLISHED_ROWS["application_train"] * LARGER
        assert len(larger[name]) == pytest.approx(wanted, rel=0.06), name


def test_missing_shares_and_choices_are_the_described_ones(larger: dict[str, pd.DataFrame]) -> None:
    for name, table in TABLES_BY_NAME.items():
        frame = larger[name]
        for column in table.columns:
            assert frame[column.name].isna().mean() == pytest.approx(column.missing, abs=0.03), column.name
            shares = frame[column.name].value_counts(normalize=True)
            for choice, share in column.choices.items():
                assert shares.get(choice, 0) == pytest.approx(share, abs=0.04), (name, column.name, choice)


def test_sentinels_stand_where_they_are_known_to(larger: dict[str, pd.DataFrame]) -> None:
    applications, previous = larger["application_train"], larger["previous_application"]
    none = applications["DAYS_EMPLOYED"] == 365_243
    assert none.mean() == pytest.approx(0.18, abs=0.02)
    assert (none == (applications["ORGANIZATION_TYPE"] == "XNA")).all()
    dates = ["DAYS_FIRST_DRAWING", "DAYS_FIRST_DUE", "DAYS_LAST_DUE_1ST_VERSION", "DAYS_LAST_DUE", "DAYS_TERMINATION"]
    published = [0.573, 0.025, 0.049, 0.118, 0.123]
    for name, share in zip(dates, published, strict=True):
        assert (previous[name] == 365_243).mean() == pytest.approx(share, abs=0.05), name
    # They are missing together.
    assert previous[dates].isna().nunique(axis=1).eq(1).all()


def test_one_client_in_twelve_defaults_and_scores_and_history_tell_who(larger: dict[str, pd.DataFrame]) -> None:
    applications = larger["application_train"].set_index("SK_ID_CURR")
    target = applications["TARGET"]
    assert target.mean() == pytest.approx(0.0807, abs=0.012)
    for name in ("EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"):
        known = applications[name].notna()
        assert 0.6 < roc_auc_score(target[known], -applications.loc[known, name]) < 0.75, name
    payments = larger["installments_payments"]
    late = (payments["DAYS_ENTRY_PAYMENT"] > payments["DAYS_INSTALMENT"]).groupby(payments["SK_ID_CURR"]).mean()
    assert roc_auc_score(target[late.index], late) > 0.58
    assert np.isfinite(late).all()
