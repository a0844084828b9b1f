"""A lender's own files: in by their contract, in whatever form, never under a published data set's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scoring.scorecards import load
from tests.conftest import Project
from tests.pipelines.conftest import Run
from training.parquet import data_record, read_parquet

CARD = load("card_default")
MADE = Path("artifacts/full/card_default")
FORMS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.fixture
def rows(scorebox: Run, project: Project) -> pd.DataFrame:
    """Rows that hold the contract, and a good snapshot."""
    assert scorebox("ingest", "card_default")[0] == 0
    frame, _ = read_parquet(MADE / "raw" / "applications.parquet")
    return frame


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_breaks_the_contract_leaves_the_good_snapshot(scorebox: Run, rows: pd.DataFrame, form: str) -> None:
    before = {path: path.read_bytes() for path in MADE.rglob("*") if path.is_file()}
    foreign = pd.DataFrame({"decision_id": ["a", "b"], "pd": [0.1, 0.2]})
    late = rows.assign(SEX=7)
    for frame, column in ((foreign, "LIMIT_BAL"), (late, "SEX")):
        FORMS[form](frame, Path(f"rows.{form}"))
        code, printed = scorebox("ingest", "card_default", "--source", f"rows.{form}")
        assert code == 1
        assert "of the data contract" in printed
        assert column in printed
        assert f"rows.{form} is not taken in, the snapshot is as it was" in printed
        assert {path: path.read_bytes() for path in MADE.rglob("*") if path.is_file()} == before


def test_the_form_of_a_file_changes_nothing_of_what_it_is(scorebox: Run, rows: pd.DataFrame) -> None:
    said = []
    for form, write in FORMS.items():
        write(rows, Path(f"rows.{form}"))
        code, printed = scorebox("ingest", "card_default", "--source", f"rows.{form}")
        assert code == 0, printed
        assert "UNVERIFIED card_default: own data, unverified" in printed
        summary = json.loads((MADE / "reports" / "ingestion_summary.json").read_text())
        said.append({name: summary[name] for name in ("title", "licence", "citation", "published", "sample_data")})
        assert summary["files"][0]["verified"] is False
        taken, metadata = read_parquet(MADE / "raw" / "applications.parquet")
        pd.testing.assert_frame_equal(taken, rows)
        assert scorebox("validate", "card_default")[0] == scorebox("features", "card_default")[0] == 0
        made, metadata = read_parquet(MADE / "applications.parquet")
        record = data_record(made, metadata, CARD.target)
        assert (record.label, record.sample, record.published) == ("own data, unverified", False, False)
        assert json.loads((MADE / "lineage.json").read_text())["data"] == "own data, unverified"
        refused, printed = scorebox("ingest", "card_default", "--source", f"rows.{form}", "--published")
        assert refused == 1
        assert f"rows.{form} is not the published file" in printed
    assert said[0] == said[1]
    assert said[0] == {
        "title": "own data, unverified",
        "licence": "its owner's",
        "citation": "none",
        "published": False,
        "sample_data": False,
    }


@pytest.mark.parametrize(("defaults", "others"), [(0, 200), (1, 200), (3, 200), (200, 0), (0, 1), (1, 0)])
def test_too_few_applicants_of_one_outcome_are_one_line_at_validate(
    scorebox: Run, rows: pd.DataFrame, defaults: int, others: int
) -> None:
    rows = rows.drop_duplicates([column for column in rows if column not in (CARD.key, CARD.target)])
    bad, good = rows[rows[CARD.target] == 1], rows[rows[CARD.target] == 0]
    pd.concat([bad.head(defaults), good.head(others)]).to_csv("rows.csv", index=False)
    assert scorebox("ingest", "card_default", "--source", "rows.csv")[0] == 0
    code, printed = scorebox("validate", "card_default")
    assert code == 1
    assert printed.endswith(
        f"error card_default: too few different applicants to train and test on: {defaults} with a default, "
        f"{others} without one; 3 folds and a test share of 0.25 take 7 of each"
    )


def test_applicants_just_enough_of_each_outcome_are_split(scorebox: Run, rows: pd.DataFrame) -> None:
    rows = rows.drop_duplicates([column for column in rows if column not in (CARD.key, CARD.target)])
    bad, good = rows[rows[CARD.target] == 1], rows[rows[CARD.target] == 0]
    pd.concat([bad.head(7), good.head(60)]).to_csv("rows.csv", index=False)
    assert scorebox("ingest", "card_default", "--source", "rows.csv")[0] == 0
    for stage in ("validate", "features", "split"):
        assert scorebox(stage, "card_default")[0] == 0
    parts = [read_parquet(MADE / f"{part}.parquet")[0][CARD.target].sum() for part in ("train", "test")]
    assert parts[0] >= 5
    assert parts[1] >= 1
