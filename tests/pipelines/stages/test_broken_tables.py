"""Broken raw files of a product of several tables: one clear line, exit code 1, nothing half written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import PROJECT, Project
from tests.pipelines.conftest import Run

NAME = "home_credit"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw tables of some hundred applications; not to be changed."""
    from training.tables import find

    folder = tmp_path_factory.mktemp("whole") / "raw"
    find(NAME)[0].generate(folder, 300, 1, lambda what, done: None)
    return folder


@pytest.fixture
def raw(project: Project, whole: Path) -> Path:
    """The project's own copy of them, taken in."""
    shutil.copy(PROJECT / "params.yaml", project.folder)
    folder = project.folder / "artifacts" / "full" / NAME / "raw"
    shutil.copytree(whole, folder)
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.replace_schema_metadata({"scorebox.sample": "true", "scorebox.snapshot": "0"}), path)
    return folder


def change(path: Path, how: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    table = pq.read_table(path)
    changed = pa.Table.from_pandas(how(table.to_pandas()), preserve_index=False)
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)


def with_value(column: str, value: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def how(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[3, column] = value
        return frame

    return how


@pytest.mark.parametrize(
    ("table", "how", "named"),
    [
        ("bureau", lambda frame: frame.drop(columns="DAYS_CREDIT"), "bureau.DAYS_CREDIT"),
        (
            "installments_payments",
            lambda frame: frame.assign(AMT_PAYMENT=frame["AMT_PAYMENT"].astype(str)),
            "installments_payments.AMT_PAYMENT",
        ),
        (
            "application_train",
            lambda frame: pd.concat([frame, frame.head(1)], ignore_index=True),
            "application_train.SK_ID_CURR",
        ),
        ("previous_application", with_value("DAYS_DECISION", 365_243), "previous_application.DAYS_DECISION"),
        ("application_train", with_value("TARGET", 2), "application_train.TARGET"),
    ],
    ids=["missing column", "wrong type", "duplicate key", "sentinel out of place", "no binary target"],
)
@pytest.mark.slow
def test_a_broken_table_stops_at_its_contract(
    scorebox: Run, project: Project, raw: Path, table: str, how: Callable[[pd.DataFrame], pd.DataFrame], named: str
) -> None:
    assert scorebox("features", NAME)[0] == 0
    change(raw / f"{table}.parquet", how)
    code, printed = scorebox("validate", NAME)
    assert code == 1
    assert named in printed
    assert "of the data contract " in printed
    assert not (raw.parent / "applications.parquet").exists(), "rows of an earlier run must not pass for these"


def test_a_truncated_table_is_named(scorebox: Run, raw: Path) -> None:
    path = raw / "bureau_balance.parquet"
    path.write_bytes(path.read_bytes()[:2_000])
    for stage in ("validate", "features"):
        code, printed = scorebox(stage, NAME)
        assert code == 1
        assert "bureau_balance.parquet: not a whole Parquet file" in printed
    assert not (raw.parent / "applications.parquet").exists()


def test_files_with_another_hash_than_published_are_refused(scorebox: Run, raw: Path, tmp_path: Path) -> None:
    source = tmp_path / "files"
    source.mkdir()
    for path in raw.glob("*.parquet"):
        pq.read_table(path).to_pandas().to_csv(source / f"{path.stem}.csv", index=False)
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    code, printed = scorebox("ingest", NAME, "--source", str(source), "--published")
    assert code == 1
    assert "application_train.csv" in printed
    assert "sha256" in printed
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before


def test_a_file_that_is_not_there_is_named(scorebox: Run, raw: Path, tmp_path: Path) -> None:
    source = tmp_path / "files"
    source.mkdir()
    (source / "bureau.csv").write_text("SK_ID_CURR\n1\n")
    code, printed = scorebox("ingest", NAME, "--source", str(source))
    assert code == 1
    assert "application_train.csv" in printed
