from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from scoring.expected import DataError
from scoring.scorecards import load
from scoring.scorecards.parts.card_approval.reasons import NOT_EMPLOYED
from tests.arrow import arrow
from training.tables import TableSet, find, pick
from training.tables.application_contract import check as check_rows
from training.tables.application_contract import typed
from training.tables.build import Lineage, build
from training.tables.contract import check

CARD = load("card_approval")
RECORDS, LABELLED = find("card_approval")
ROWS = 40_000


def quiet(what: str, done: int) -> None:
    pass


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both tables of the first form, made up."""
    folder = tmp_path_factory.mktemp("raw")
    RECORDS.generate(folder, ROWS, 7, quiet)
    return folder


def person(identity: int, **changes: object) -> dict[str, object]:
    """A row of application_record."""
    return {"ID": identity, **CARD.example, "FLAG_MOBIL": 1, **changes}


def months(identity: int, statuses: str) -> list[dict[str, object]]:
    """Rows of credit_record, from the latest month back."""
    return [{"ID": identity, "MONTHS_BALANCE": -back, "STATUS": status} for back, status in enumerate(statuses)]


def built(form: TableSet, folder: Path, **tables: list[dict[str, object]]) -> tuple[pd.DataFrame, Lineage]:
    """The rows that a form's queries make of these raw tables."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    for table in form.tables:
        columns = [column.name for column in table.columns]
        pd.DataFrame(tables[table.name])[columns].to_parquet(raw / f"{table.name}.parquet", index=False)
    lineage = build(form, raw, folder / "rows.parquet", quiet)
    return pd.read_parquet(folder / "rows.parquet"), lineage


def test_sample_tables_hold_their_contracts_and_so_do_the_rows_made_of_them(raw: Path, tmp_path: Path) -> None:
    assert check(RECORDS, raw, tmp_path, quiet).holds
    lineage = build(RECORDS, raw, tmp_path / "rows.parquet", quiet)
    rows = pd.read_parquet(tmp_path / "rows.parquet")
    assert check_rows(CARD, typed(CARD, arrow(rows))).holds
    assert lineage.rows == round(ROWS * 36_457 / 438_557)
    assert lineage.columns["TARGET"].tables == ["credit_record"]
    assert lineage.columns["DAYS_BIRTH"].tables == ["application_record"]
    assert rows["TARGET"].mean() == pytest.approx(0.017, abs=0.006)


def test_sample_tables_have_the_published_counts_and_shares(raw: Path) -> None:
    applications = pd.read_parquet(raw / "application_record.parquet")
    credit = pd.read_parquet(raw / "credit_record.parquet")
    assert len(applications) - applications["ID"].nunique() == round(ROWS * 47 / 438_557)
    known = credit["ID"].isin(applications["ID"])
    assert credit["ID"][known].nunique() == round(ROWS * 36_457 / 438_557)
    assert credit["ID"][~known].nunique() == round(ROWS * 9_528 / 438_557)
    assert len(credit) / credit["ID"].nunique() == pytest.approx(1_048_575 / 45_985, rel=0.1)
    assert credit["MONTHS_BALANCE"].agg(["min", "max"]).tolist() == [-60, 0]
    assert credit["STATUS"].isin(["3", "4", "5"]).mean() == pytest.approx(0.0021, abs=0.0015)
    fields = list(CARD.columns)
    assert applications.duplicated(fields, keep=False).mean() == pytest.approx(0.88, abs=0.02)
    assert applications["OCCUPATION_TYPE"].isna().mean() == pytest.approx(0.306, abs=0.01)
    not_employed = applications["DAYS_EMPLOYED"] == NOT_EMPLOYED
    assert not_employed.mean() == pytest.approx(0.17, abs=0.01)
    assert set(applications["NAME_INCOME_TYPE"][not_employed]) == {"Pensioner"}


def test_made_up_months_follow_each_other_and_debt_ages_by_a_month_at_most(raw: Path) -> None:
    credit = pd.read_parquet(raw / "credit_record.parquet").sort_values(["ID", "MONTHS_BALANCE"])
    follows = credit["ID"] == credit["ID"].shift()
    assert set(credit["MONTHS_BALANCE"].diff()[follows]) == {1}
    days_late = credit["STATUS"].map({"X": -1, "C": -1}).fillna(pd.to_numeric(credit["STATUS"], errors="coerce"))
    aged = days_late.diff()[follows & (days_late.shift() >= 0) & (days_late > 0)]
    late_at_once = (aged > 1).groupby(aged > 1).size().get(True, 0)
    assert late_at_once <= 0.01 * len(aged)


def test_the_same_seed_gives_the_same_tables_and_another_gives_others(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        RECORDS.generate(tmp_path / name, 2_000, seed, quiet)
    for table in RECORDS.tables:
        one, again, other = (
            (tmp_path / name / f"{table.name}.parquet").read_bytes() for name in ("one", "again", "other")
        )
        assert one == again != other


def test_the_tables_may_be_written_as_csv(tmp_path: Path) -> None:
    RECORDS.generate(tmp_path, 2_000, 1, quiet)
    RECORDS.generate(tmp_path, 2_000, 1, quiet, file_format="csv")
    for table in RECORDS.tables:
        text = pd.read_csv(tmp_path / f"{table.name}.csv", dtype={"STATUS": str}, keep_default_na=False, na_values=[""])
        read = pd.read_parquet(tmp_path / f"{table.name}.parquet").fillna({"OCCUPATION_TYPE": float("nan")})
        pd.testing.assert_frame_equal(text, read, check_dtype=False)


def test_more_applications_than_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="3,000,000 applications are more than there are IDs"):
        RECORDS.generate(tmp_path, 3_000_000, 1, quiet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("statuses", "target"), [("X", 0), ("C0210", 0), ("2", 0), ("0C3210", 1), ("4", 1), ("00005", 1), ("CCC5CCC", 1)]
)
def test_a_default_is_a_month_of_90_days_past_due_or_more(statuses: str, target: int, tmp_path: Path) -> None:
    rows, _ = built(
        RECORDS, tmp_path, application_record=[person(5_008_804)], credit_record=months(5_008_804, statuses)
    )
    assert rows["TARGET"].tolist() == [target]


def test_rows_are_clients_of_both_tables_without_the_constant_column(tmp_path: Path) -> None:
    people = [person(5_008_806), person(5_008_804), person(5_008_805)]
    credit = months(5_008_804, "0") + months(5_008_806, "3") + months(5_008_999, "5")
    rows, _ = built(RECORDS, tmp_path, application_record=people, credit_record=credit)
    assert list(rows.columns) == ["ID", *CARD.columns, "TARGET"]
    assert rows["ID"].tolist() == [5_008_804, 5_008_806]
    assert rows["TARGET"].tolist() == [0, 1]


def test_an_id_of_several_people_is_the_oldest_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    people = [
        person(5_008_804, DAYS_BIRTH=-9_000, AMT_INCOME_TOTAL=1_000.0),
        person(5_008_804, DAYS_BIRTH=-12_000, AMT_INCOME_TOTAL=3_000.0),
        person(5_008_804, DAYS_BIRTH=-12_000, AMT_INCOME_TOTAL=2_000.0),
    ]
    for number, order in enumerate(([0, 1, 2], [2, 1, 0], [1, 0, 2])):
        rows, _ = built(
            RECORDS,
            tmp_path / str(number),
            application_record=[people[position] for position in order],
            credit_record=months(5_008_804, "0"),
        )
        assert rows[["DAYS_BIRTH", "AMT_INCOME_TOTAL"]].to_numpy().tolist() == [[-12_000, 2_000]]


def test_the_labelled_form_takes_its_label_as_it_is(tmp_path: Path) -> None:
    people = [person(5_008_805, Default=1), person(5_008_804, Default=0, OCCUPATION_TYPE=None)]
    rows, lineage = built(LABELLED, tmp_path, application_record_with_default=people)
    assert list(rows.columns) == ["ID", *CARD.columns, "TARGET"]
    assert rows[["ID", "TARGET"]].to_numpy().tolist() == [[5_008_804, 0], [5_008_805, 1]]
    assert check_rows(CARD, typed(CARD, arrow(rows))).holds
    assert lineage.columns["TARGET"].sql == "features.sql"


def test_made_up_labelled_rows_hold_their_contract(tmp_path: Path) -> None:
    LABELLED.generate(tmp_path, 2_000, 1, quiet)
    assert check(LABELLED, tmp_path, tmp_path, quiet).holds
    assert pq.read_metadata(tmp_path / "application_record_with_default.parquet").num_rows == 2_000


def test_the_raw_tables_that_are_there_decide_the_form(tmp_path: Path) -> None:
    forms = find("card_approval")
    with pytest.raises(
        DataError,
        match="holds no raw table; card_approval is made from application_record, credit_record; "
        "or application_record_with_default",
    ):
        pick(forms, tmp_path)
    (tmp_path / "application_record.parquet").touch()
    with pytest.raises(DataError, match="holds application_record; card_approval is made from"):
        pick(forms, tmp_path)
    (tmp_path / "credit_record.parquet").touch()
    assert pick(forms, tmp_path) is RECORDS
    (tmp_path / "application_record_with_default.parquet").touch()
    with pytest.raises(DataError, match="not from both"):
        pick(forms, tmp_path)
    (tmp_path / "application_record.parquet").unlink()
    assert pick(forms, tmp_path) is LABELLED


def test_not_employed_out_of_place_and_a_doubled_month_are_named(tmp_path: Path) -> None:
    people = [person(5_008_804, DAYS_EMPLOYED=NOT_EMPLOYED), person(5_008_805)]
    credit = [*months(5_008_804, "00"), *months(5_008_805, "0"), *months(5_008_805, "Z")]
    raw = tmp_path / "raw"
    raw.mkdir()
    pd.DataFrame(people).drop(columns="TARGET", errors="ignore").to_parquet(raw / "application_record.parquet")
    pd.DataFrame(credit).to_parquet(raw / "credit_record.parquet")
    found = [(item.column, item.rule, item.first_rows) for item in check(RECORDS, raw, tmp_path, quiet).violations]
    assert found == [
        ("application_record.DAYS_EMPLOYED", "365243 only where NAME_INCOME_TYPE is Pensioner", [0]),
        ("credit_record.STATUS", "a known choice", [3]),
        ("credit_record.ID, MONTHS_BALANCE", "unique", [2, 3]),
    ]
