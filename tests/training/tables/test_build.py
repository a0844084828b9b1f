from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scoring.expected import DataError
from tests.training.tables.made_up import clients, made_up, write
from training.tables import TableSet, find
from training.tables.build import Lineage, build


def run(tables: TableSet, raw: Path, output: Path, threads: int = 2) -> Lineage:
    return build(tables, raw, output, lambda what, done: None, threads=threads)


def test_the_result_is_one_row_per_application_with_its_features(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    output = tmp_path / "features.parquet"
    raw = write(tmp_path / "raw")
    build(made_up(tmp_path / "set"), raw, output, lambda what, done: told.append((what, done)))
    expected = clients().sort_values("ID", ignore_index=True)
    expected["payments_count"] = [2, 0, 1, 1]
    expected["payments_sum"] = [0.3, 0.0, 5.0, 7.25]
    pd.testing.assert_frame_equal(pd.read_parquet(output), expected)
    assert told == [("payments.sql", 0), ("payments.sql", 1), ("features.sql", 0), ("features.sql", 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.parquet", "raw", "set"]


def test_the_lineage_names_files_rows_and_the_origin_of_each_column(tmp_path: Path) -> None:
    tables = made_up(tmp_path / "set")
    raw = write(tmp_path / "raw")
    lineage = run(tables, raw, tmp_path / "features.parquet")
    assert lineage.engine == f"duckdb {duckdb.__version__}"
    assert (lineage.scorecard, lineage.rows) == ("made_up", 4)
    assert {name: file.rows for name, file in lineage.raw.items()} == {"clients": 4, "payments": 4}
    assert lineage.raw["clients"].sha256 == hashlib.sha256((raw / "clients.parquet").read_bytes()).hexdigest()
    assert list(lineage.sql) == ["macros.sql", "payments.sql", "features.sql"]
    assert lineage.sql["payments.sql"] == hashlib.sha256((tables.sql / "payments.sql").read_bytes()).hexdigest()
    assert lineage.sha256 == hashlib.sha256((tmp_path / "features.parquet").read_bytes()).hexdigest()
    origins = {column: (origin.sql, origin.tables) for column, origin in lineage.columns.items()}
    assert origins["ID"] == ("features.sql", ["clients"])
    assert origins["payments_sum"] == ("payments.sql", ["clients", "payments"])
    assert list(origins) == [*clients().columns, "payments_count", "payments_sum"]


def test_a_query_that_fails_leaves_the_old_result_and_nothing_next_to_it(tmp_path: Path) -> None:
    tables = made_up(tmp_path / "set")
    (tables.sql / "payments.sql").write_text("SELECT ID, PAYED FROM payments")
    (tmp_path / "features.parquet").write_text("old")
    with pytest.raises(DataError, match=r"payments\.sql: .*PAYED") as error:
        run(tables, write(tmp_path / "raw"), tmp_path / "features.parquet")
    assert "\n" not in str(error.value)
    assert (tmp_path / "features.parquet").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.parquet", "raw", "set"]


def test_a_repeated_application_is_refused(tmp_path: Path) -> None:
    tables = made_up(tmp_path / "set")
    (tables.sql / "features.sql").write_text("SELECT clients.* FROM clients JOIN payments USING (ID)")
    with pytest.raises(DataError, match="4 rows for 3 values of ID; one row per application"):
        run(tables, write(tmp_path / "raw"), tmp_path / "features.parquet")
    assert not (tmp_path / "features.parquet").exists()


def test_a_folder_without_the_last_query_is_refused(tmp_path: Path) -> None:
    tables = made_up(tmp_path / "set")
    (tables.sql / "features.sql").unlink()
    with pytest.raises(DataError, match=r"features\.sql: no such file"):
        run(tables, write(tmp_path / "raw"), tmp_path / "features.parquet")


def test_a_truncated_raw_file_is_refused(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw")
    (raw / "clients.parquet").write_bytes((raw / "clients.parquet").read_bytes()[:500])
    with pytest.raises(DataError, match=r"clients\.parquet: not a whole Parquet file"):
        run(made_up(tmp_path / "set"), raw, tmp_path / "features.parquet")
    assert not (tmp_path / "features.parquet").exists()


def test_the_order_of_rows_and_the_number_of_threads_change_no_byte(tmp_path: Path) -> None:
    tables = made_up(tmp_path / "set")
    many = pd.DataFrame({"ID": 1, "PAYMENT": range(1, 5001), "PAID": [0.1, 999.999, 0.07, 3.3, 55.55] * 1000})
    results = set()
    for threads, seed in ((1, 1), (2, 2), (2, 3)):
        shuffled = many.sample(frac=1, random_state=seed)
        raw = write(tmp_path / f"raw{seed}", clients=clients().sample(frac=1, random_state=seed), payments=shuffled)
        results.add(run(tables, raw, tmp_path / f"{seed}.parquet", threads).sha256)
    assert len(results) == 1


def test_a_scorecard_of_one_file_has_no_tables() -> None:
    assert find("card_default") == ()
    assert find("build") == ()
