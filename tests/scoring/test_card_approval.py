from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from scoring.errors import field_errors
from scoring.features import raw_columns
from scoring.frames import Frame
from scoring.graph import Inputs
from scoring.scorecards import load
from scoring.scorecards.parts.card_approval.reasons import NOT_EMPLOYED
from scoring.scorecards.parts.card_approval.sample import sample_with_doubles
from tests.arrow import arrow
from training.graph.frontend import feature_matrix, feature_names, split_columns
from training.tables.application_contract import check, typed

CARD = load("card_approval")
PUBLISHED = {
    "code_gender", "flag_own_car", "flag_own_realty", "cnt_children", "amt_income_total", "name_income_type",
    "name_education_type", "name_family_status", "name_housing_type", "days_birth", "days_employed", "flag_work_phone",
    "flag_phone", "flag_email", "occupation_type", "cnt_fam_members", "age_group", "days_employed_bin",
}  # fmt: skip


def broken_rules(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        CARD.application.model_validate({**CARD.example, **changes})
    return [(error.field, error.rule) for error in field_errors(caught.value)]


def features(name: str, protected: bool = True, **columns: list[Any]) -> dict[str, list[float]]:
    """The features of applications like the example but for these columns."""
    blocks = CARD.features[name](protected)
    rows = len(next(iter(columns.values())))
    table = {**{column: [value] * rows for column, value in CARD.example.items()}, **columns}
    numeric, text = split_columns(blocks, CARD.columns)
    inputs = Inputs(
        np.array([table[column] for column in numeric], dtype=np.float32).T,
        np.array([table[column] for column in text], dtype=object).T,
    )
    return dict(zip(feature_names(blocks), feature_matrix(blocks, CARD.columns, inputs).T.tolist(), strict=True))


def test_the_application_has_the_sixteen_fields_and_not_the_constant_one() -> None:
    assert len(CARD.columns) == 16
    assert broken_rules(FLAG_MOBIL=1) == [("FLAG_MOBIL", "extra_forbidden")]


@pytest.mark.parametrize("days", [0, -1, -20_000, NOT_EMPLOYED])
def test_days_employed_are_days_back_or_the_one_number_for_none(days: int) -> None:
    assert CARD.application.model_validate({**CARD.example, "DAYS_EMPLOYED": days})


@pytest.mark.parametrize("days", [b"365243.0", b"365243e0", b"3652430e-1"])
def test_the_one_number_for_none_may_be_written_in_any_way(days: bytes) -> None:
    plain = json.dumps(dict(CARD.example) | {"DAYS_EMPLOYED": 1_234_567}).encode()
    body = plain.replace(b"1234567", days)
    assert CARD.application.model_validate_json(body) == CARD.application.model_validate(
        {**CARD.example, "DAYS_EMPLOYED": NOT_EMPLOYED}
    )


@pytest.mark.parametrize(
    ("days", "rule"),
    [
        (1, "less_than_equal"),
        (NOT_EMPLOYED - 1, "less_than_equal"),
        (NOT_EMPLOYED + 1, "less_than_equal"),
        (-20_001, "greater_than_equal"),
        (float(NOT_EMPLOYED), "int_type"),
        (str(NOT_EMPLOYED), "int_type"),
        (None, "int_type"),
    ],
)
def test_other_days_employed_break_one_rule(days: Any, rule: str) -> None:
    assert broken_rules(DAYS_EMPLOYED=days) == [("DAYS_EMPLOYED", rule)]


def test_a_table_is_held_to_the_same_rules_as_an_application() -> None:
    days = [-586, NOT_EMPLOYED, 1, NOT_EMPLOYED - 1, -20_001, 0]
    table = pa.table({name: [value] * len(days) for name, value in CARD.example.items()} | {"DAYS_EMPLOYED": days})
    read = Frame(CARD, ["DAYS_EMPLOYED"]).read_table(table)
    assert read.inputs.numeric[:, 0].tolist() == [-586, NOT_EMPLOYED, 0]
    assert read.positions.tolist() == [0, 1, 5]
    for error in read.errors:
        assert [(item.field, item.rule) for item in error.errors] == broken_rules(DAYS_EMPLOYED=days[error.index])


def test_the_data_contract_names_days_that_are_neither() -> None:
    frame = pd.DataFrame(CARD.sample(np.random.default_rng(0), 300))
    assert check(CARD, typed(CARD, arrow(frame))).holds
    frame.loc[[3, 8], "DAYS_EMPLOYED"] = [5, 365_244]
    violations = check(CARD, typed(CARD, arrow(frame))).violations
    assert [(item.column, item.rule, item.first_rows) for item in violations] == [
        ("DAYS_EMPLOYED", "-20000 to 0 or 365243", [3, 8])
    ]


def test_openapi_shows_both_what_is_within_bounds_and_the_one_number_beyond() -> None:
    shown = CARD.application.model_json_schema()["properties"]["DAYS_EMPLOYED"]["anyOf"]
    assert shown == [{"type": "integer", "minimum": -20_000, "maximum": 0}, {"type": "integer", "const": NOT_EMPLOYED}]


def test_an_occupation_may_be_unknown_and_no_other_text_may() -> None:
    body = {name: value for name, value in CARD.example.items() if name != "OCCUPATION_TYPE"}
    assert CARD.application.model_validate(body) == CARD.application.model_validate({**body, "OCCUPATION_TYPE": None})
    assert broken_rules(OCCUPATION_TYPE="None") == [("OCCUPATION_TYPE", "literal_error")]
    assert broken_rules(NAME_HOUSING_TYPE=None) == [("NAME_HOUSING_TYPE", "literal_error")]


def test_with_protected_columns_the_published_features_are_the_published_18() -> None:
    names = {name.split(" = ")[0].lower() for name in feature_names(CARD.features["published"](True))}
    assert names == PUBLISHED
    without = {name.split(" = ")[0].lower() for name in feature_names(CARD.features["published"](False))}
    assert without == PUBLISHED - {"code_gender", "name_family_status", "days_birth", "age_group"}


@pytest.mark.parametrize("name", sorted(CARD.features))
def test_protected_columns_stay_out_unless_they_are_let_in(name: str) -> None:
    assert raw_columns(CARD.features[name](False)) == set(CARD.columns) - CARD.protected
    assert raw_columns(CARD.features[name](True)) == set(CARD.columns)


def test_employment_falls_into_the_published_bins_and_none_is_a_bin_of_its_own() -> None:
    bins = {NOT_EMPLOYED: 0, 0: 1, -1: 1, -365: 1, -366: 2, -1_095: 2, -1_096: 3, -1_825: 3, -1_826: 4}
    bins |= {-3_650: 4, -3_651: 5, -14_600: 5, -14_601: 6, -20_000: 6}
    found = features("published", DAYS_EMPLOYED=list(bins))
    assert found["days_employed_bin"] == list(bins.values())
    assert found["days_employed"] == [0 if days == NOT_EMPLOYED else -days for days in bins]


def test_age_falls_into_the_published_groups() -> None:
    groups = {6_570: 0, 6_571: 1, 9_125: 1, 9_126: 2, 12_775: 2, 12_776: 3, 16_425: 3, 16_426: 4, 20_075: 4, 20_076: 5}
    groups |= {23_725: 5, 23_726: 6, 36_500: 6}
    found = features("published", DAYS_BIRTH=[-days for days in groups])
    assert found["age_group"] == list(groups.values())
    assert found["days_birth"] == list(groups)


@pytest.mark.parametrize("name", sorted(CARD.features))
def test_a_pensioner_never_reads_as_forty_years_employed(name: str) -> None:
    rows = pd.DataFrame(CARD.sample(np.random.default_rng(4), 2_000))
    pensioners = rows[rows["NAME_INCOME_TYPE"] == "Pensioner"]
    found = features(name, DAYS_EMPLOYED=pensioners["DAYS_EMPLOYED"].tolist())
    employment = {key: value for key, value in found.items() if "employed" in key.lower()}
    assert {value for values in employment.values() for value in values} == {0.0}
    veteran = features(name, DAYS_EMPLOYED=[-14_601])
    assert all(veteran[key][0] > 0 for key in employment)


def test_an_unknown_occupation_is_one_of_its_own() -> None:
    found = features("published", OCCUPATION_TYPE=["", "Managers"])
    assert found["OCCUPATION_TYPE = unknown"] == [1, 0]
    assert found["OCCUPATION_TYPE = Managers"] == [0, 1]
    assert sum(values[0] for name, values in found.items() if name.startswith("OCCUPATION_TYPE")) == 1


def test_features_of_the_contract_s_extremes_are_finite() -> None:
    bounds = {rule.column: [rule.minimum, rule.maximum, *rule.sentinels] for rule in CARD.rules if rule.kind != "text"}
    generator = np.random.default_rng(0)
    columns = {column: generator.choice(values, 200).tolist() for column, values in bounds.items()}
    for name in CARD.features:
        assert np.isfinite(list(features(name, **columns).values())).all()


def test_sample_data_have_the_published_shares_and_repeat_their_applicants() -> None:
    rows = pd.DataFrame(sample_with_doubles(np.random.default_rng(1), 30_000))
    assert (rows["CODE_GENDER"] == "F").mean() == pytest.approx(0.671, abs=0.02)
    assert rows["OCCUPATION_TYPE"].isna().mean() == pytest.approx(0.306, abs=0.02)
    assert rows["AMT_INCOME_TOTAL"].mean() == pytest.approx(187_524, rel=0.04)
    assert rows["DAYS_BIRTH"].mean() == pytest.approx(-15_998, rel=0.02)
    assert rows["TARGET"].mean() == pytest.approx(0.017, abs=0.003)
    assert rows.duplicated(list(CARD.columns), keep=False).mean() == pytest.approx(0.88, abs=0.02)
    not_employed = rows["DAYS_EMPLOYED"] == NOT_EMPLOYED
    assert set(rows["NAME_INCOME_TYPE"][not_employed]) == {"Pensioner"}
    assert rows["OCCUPATION_TYPE"][not_employed].isna().all()
