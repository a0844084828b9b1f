from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from tests.markdown import unpadded
from training.tables import benchmark, peers


@pytest.mark.parametrize("exact", [True, False])
def test_duckdb_and_pandas_give_the_same_21_aggregates(sample: Path, exact: bool) -> None:
    file = sample / "installments_payments.parquet"
    expected = peers.with_pandas(file)
    assert expected.shape[1] == 21
    found = peers.with_duckdb(file, "1GB", 1, exact=exact).sort_index()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-6)


@pytest.mark.slow
def test_the_benchmark_puts_its_figures_between_the_marks(tmp_path: Path) -> None:
    report = tmp_path / "features.md"
    report.write_text(f"before\n{benchmark.BEGIN}\nold\n{benchmark.END}\nafter\n")
    app = typer.Typer()
    app.command()(benchmark.main)
    result = CliRunner().invoke(app, ["--applications", "300", "--report", str(report)])
    assert result.exit_code == 0, result.output
    text = unpadded(report.read_text())
    assert text.startswith(f"before\n{benchmark.BEGIN}\n")
    assert text.endswith(f"{benchmark.END}\nafter\n")
    assert "old" not in text
    assert "application_train 300" in text
    assert "| all, with hashes and lineage |" in text
    assert "| pandas |" in text


@pytest.mark.slow
def test_a_report_without_marks_is_one_clear_line(tmp_path: Path) -> None:
    report = tmp_path / "features.md"
    report.write_text("nothing here")
    app = typer.Typer()
    app.command()(benchmark.main)
    result = CliRunner().invoke(app, ["--applications", "300", "--report", str(report)])
    assert result.exit_code == 1
    assert "the figures go between them" in result.output
    assert report.read_text() == "nothing here"
