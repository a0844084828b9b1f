"""A portfolio run refuses bad input: one line, nothing half written, the old output intact."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3fs import S3FileSystem

from scoring.expected import DataError
from scoring.policy import CutoffPolicy
from tests.conftest import Project, make_project
from tests.pipelines.portfolio.portfolios import CARD, changed, read, rows, score, write
from tests.serving.toy import push_release_in
from training.errors import StageError

LONG = 1_500_000
POLICY = CutoffPolicy.of(dataclasses.replace(CARD, cutoff=0.1))


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-100])
    return path


def damaged(path: Path) -> Path:
    """Its footer is whole, a page behind the first row groups is not."""
    pq.write_table(rows(4_000), path, row_group_size=500, compression="zstd")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2_000] = bytes(2_000)
    path.write_bytes(content)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def binary(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def folder_of(folder: Path, **tables: pa.Table) -> Path:
    for name, table in tables.items():
        write(table, folder / f"{name}.parquet")
    return folder


def retyped(name: str, values: pa.Array) -> pa.Table:
    table = rows(3)
    return table.set_column(table.column_names.index(name), name, values)


INPUTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "unknown column": (
        lambda folder: write(rows(3).append_column("SHOE", pa.array([40, 41, 42])), folder / "in.parquet"),
        "in.parquet: SHOE: Column is not permitted",
    ),
    "unknown column in CSV": (
        lambda folder: write(rows(3).append_column("SHOE", pa.array([40, 41, 42])), folder / "in.csv"),
        "in.csv: SHOE: Column is not permitted",
    ),
    "missing column": (
        lambda folder: write(rows(3).drop_columns(["PAY_2"]), folder / "in.parquet"),
        "in.parquet: PAY_2: Column required",
    ),
    "doubled column": (
        lambda folder: write(rows(3).append_column("pay_2", pa.array([1, 1, 1])), folder / "in.csv"),
        "in.csv: pay_2: Column is given twice",
    ),
    "doubled key": (
        lambda folder: text(folder / "in.csv", "ID,ID\n1,1\n"),
        "in.csv: ID: Column is given twice",
    ),
    "wrong type": (
        lambda folder: write(retyped("PAY_0", pa.array(["1", "2", "3"])), folder / "in.parquet"),
        "in.parquet: PAY_0: Column should hold an integer",
    ),
    "truncated Parquet": (
        lambda folder: truncated(write(rows(300), folder / "in.parquet")),
        "in.parquet cannot be read as Parquet: ",
    ),
    "damaged Parquet": (lambda folder: damaged(folder / "in.parquet"), "in.parquet cannot be read as Parquet: "),
    "truncated gzip": (
        lambda folder: truncated(write(rows(3_000), folder / "in.csv.gz")),
        "in.csv.gz cannot be read as CSV: ",
    ),
    "not text": (
        lambda folder: binary(folder / "in.csv", b"\xff\xfe\x00ID\n"),
        "in.csv has none of the columns of card_default in its first line",
    ),
    "no rows": (lambda folder: write(rows(1).slice(1), folder / "in.parquet"), "in.parquet holds no rows"),
    "only a header": (lambda folder: write(rows(1).slice(1), folder / "in.csv"), "in.csv holds no rows"),
    "empty file": (lambda folder: text(folder / "in.csv", ""), "in.csv is empty"),
    "no such file": (lambda folder: folder / "gone.parquet", "there is no "),
    "another kind of file": (
        lambda folder: text(folder / "in.xlsx", "x"),
        "in.xlsx has none of the columns of card_default in its first line",
    ),
    "folder of nothing but markers": (
        lambda folder: write(rows(3), folder / "in" / "_written" / "a.parquet").parent.parent,
        "in holds no Parquet or CSV file: ",
    ),
    "folder of other files": (
        lambda folder: text(folder / "in" / "notes.txt", "x").parent,
        "in holds no Parquet or CSV file: ",
    ),
    "folder with a part of another form": (
        lambda folder: (
            binary(folder_of(folder / "in", a=rows(3)) / "b.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").parent
        ),
        "b.csv looks like an old Excel workbook (.xls)",
    ),
    "folder with a file of another contract": (
        lambda folder: folder_of(folder / "in", a=rows(3), b=rows(3).drop_columns(["AGE", "PAY_2"])),
        "b.parquet: PAY_2: Column required",
    ),
    "folder with two kinds of keys": (
        lambda folder: folder_of(folder / "in", a=rows(3), b=retyped("ID", pa.array(["1", "2", "3"]))),
        "b.parquet: ID: string, but int64 in ",
    ),
    "folder where a file has no key": (
        lambda folder: folder_of(folder / "in", a=rows(3), b=rows(3).drop_columns(["ID"])),
        "b.parquet: ID: no such column, but int64 in ",
    ),
}


@pytest.mark.parametrize("case", INPUTS)
def test_an_input_that_cannot_be_used_is_refused_and_the_old_output_stays(case: str, tmp_path: Path) -> None:
    make, message = INPUTS[case]
    source = make(tmp_path)
    out = tmp_path / "out"
    score(write(rows(5), tmp_path / "before.parquet"), out / "scored.parquet")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(DataError) as refused:
        score(source, out / "scored.parquet")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("output", "rejects", "message"),
    [
        ("out.txt", None, "out.txt ends neither in .parquet nor in .csv"),
        ("out.parquet", "rejects.json", "rejects.json ends neither in .parquet nor in .csv"),
        ("in.parquet", None, "in.parquet is both read and written, or written twice"),
        ("out.parquet", "out.parquet", "out.parquet is both read and written, or written twice"),
        ("in.parquet/out.parquet", None, "cannot write "),
        ("known:/out.parquet", None, "cannot use known:/"),
    ],
)
def test_an_output_that_cannot_be_is_refused(
    output: str, rejects: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = write(rows(5), tmp_path / "in.parquet").read_bytes()
    with pytest.raises(DataError, match=message):
        score("in.parquet", output.replace("known:", "known://"), rejects=rejects)
    assert (tmp_path / "in.parquet").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_too_many_rejected_rows_leave_reasons_and_the_old_output(tmp_path: Path) -> None:
    table = changed(changed(rows(20), "AGE", 4, 5), "AGE", 9, 5)
    source = write(table, tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_bytes(b"old")
    with pytest.raises(StageError, match=r"2 of 20 rows are rejected, --max-reject-share is 0\.05"):
        score(source, tmp_path / "out.parquet", most_rejected=0.05)
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    assert read(tmp_path / "out.rejects.parquet").column("row").to_pylist() == [4, 9]
    elsewhere = tmp_path / "reasons" / "rejects.csv"
    assert score(source, tmp_path / "out.parquet", most_rejected=0.1, rejects=str(elsewhere)).rejected == 2
    assert read(elsewhere).column("field").to_pylist() == ["AGE", "AGE"]


def test_a_portfolio_without_a_good_row_is_no_success_whatever_share_is_allowed(tmp_path: Path) -> None:
    source = write(changed(rows(1), "AGE", 0, 5), tmp_path / "in.parquet")
    with pytest.raises(StageError, match="1 of 1 rows are rejected"):
        score(source, tmp_path / "out.csv", most_rejected=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.rejects.csv"]


def test_an_s3_server_out_of_reach_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    S3FileSystem.clear_instance_cache()
    with pytest.raises(DataError, match=r"cannot read s3://portfolios/in\.parquet: "):
        score("s3://portfolios/in.parquet", tmp_path / "out.parquet")
    S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a release of a small model, and a cut-off of its own."""
    made = make_project(tmp_path_factory.mktemp("portfolio") / "project")
    push_release_in(made.store, made.folder / "releases" / "card_default.json")
    POLICY.write(made.folder / "releases" / "card_default.policy.json")
    return made


def test_the_command_says_what_it_did_and_fails_with_one_line(served: Project) -> None:
    table = changed(rows(100), "AGE", 4, 5)
    write(table, served.folder / "in.parquet")
    done = served.scorebox("score", "card_default", "in.parquet", "out.csv")
    said = " ".join(done.stderr.split())
    pd = read(served.folder / "out.csv").column("pd").to_numpy()
    declined = np.mean(pd >= POLICY.cutoff)
    assert declined != np.mean(pd >= CARD.cutoff)
    assert f"card_default:1.0.0-fp32, {POLICY.id}: 100 rows in " in said
    assert f"score {declined:.1%} of 99 declined: out.csv score 1 rejected: out.rejects.csv" in said.replace(
        f"{served.folder}/", ""
    )
    failed = served.scorebox("score", "card_default", "in.parquet", "out.csv", "--max-reject-share", "0", check=False)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error 1 of 100 rows are rejected, --max-reject-share is 0;")
    assert "Traceback" not in failed.stderr


def test_without_a_release_nothing_is_scored(project: Project) -> None:
    (project.folder / "releases" / "card_default.json").unlink()
    failed = project.scorebox("score", "card_default", "in.parquet", "out.csv", check=False)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("error there is no release at releases/card_default.json; run: scorebox ")


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_output(served: Project) -> None:
    folder = served.folder / "killed"
    many = rows(5_000).take(pa.array(np.arange(LONG) % 5_000))
    write(many, folder / "in.parquet")
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "score",
        "card_default",
        "killed/in.parquet",
        "killed/out/o.parquet",
    ]
    process = subprocess.Popen(
        command, cwd=served.folder, env={**os.environ, **served.environment}, stderr=subprocess.DEVNULL
    )
    while not any(path.stat().st_size > 4 for path in (folder / "out").glob(".o.parquet.*")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in (folder / "out").iterdir() if not path.name.startswith(".")] == []
