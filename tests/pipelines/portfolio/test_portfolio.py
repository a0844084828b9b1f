"""Whole portfolios: every kind of input gives the decisions that the service gives."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from pipelines.artifacts import read_contents
from pipelines.workspace import Workspace
from scoring.decider import Decider
from scoring.graph import Graph
from scoring.models import StoredModel, open_model
from scoring.policy import CutoffPolicy
from scoring.scorer import Caller, Scorer
from scoring.tables import csv
from tests.conftest import Project
from tests.pipelines.portfolio.portfolios import CARD, OWN, TOY, changed, read, rows, score, write
from tests.serving.toy import record

OUTPUT = ["ID", "row", "pd", "points", "band", "decision"]


@pytest.fixture(scope="module")
def trained(trained_project: Project) -> StoredModel:
    """A trained network."""
    content = read_contents(Workspace(CARD.name, "full", trained_project.folder / "artifacts"))["fp32"]
    return open_model(record("fp32", content, list(Graph(content.graph).columns)), content)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_portfolio_gets_the_bits_that_the_service_gives(trained: StoredModel, tmp_path: Path) -> None:
    table = rows(9_000)
    score(write(table, tmp_path / "in.parquet"), tmp_path / "out.parquet", model=trained)
    batch = read(tmp_path / "out.parquet")

    scorer = Scorer(CARD, Decider.by_policy(CARD, trained, OWN), max_batch_size=1024, max_wait=60)
    caller = Caller("test")
    fields = table.select(list(CARD.columns)).to_pylist()
    applications = [scorer.application.model_validate(row) for row in fields]
    shares = await scorer.decide_all(applications, caller)
    alone = [await scorer.decide(application, caller) for application in applications[:300]]
    await scorer.close()

    online = [decisions.members(row) for decisions, start, stop in shares for row in range(start, stop)]
    singly = [decisions.members(row) for decisions, row, _ in alone]
    for expected in (online, singly):
        seen = batch.slice(0, len(expected))
        pd = np.array([row["pd"] for row in expected], dtype=np.float32)
        assert np.array_equal(seen.column("pd").to_numpy().view(np.uint32), pd.view(np.uint32))
        for name in ("points", "band", "decision"):
            assert seen.column(name).to_pylist() == [row[name] for row in expected]


def test_the_output_has_the_key_the_row_and_the_decision(tmp_path: Path) -> None:
    table = rows(2_000)
    summary = score(write(table, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    out = read(tmp_path / "out.parquet")
    assert out.column_names == OUTPUT
    assert out.column("ID").equals(table.column("ID"))
    assert out.column("row").to_pylist() == list(range(2_000))
    assert set(out.column("decision").to_pylist()) == {"approve", "decline"}
    assert (summary.rows, summary.rejected, summary.scored) == (2_000, 0, 2_000)
    assert summary.declined == out.column("decision").to_pylist().count("decline")
    metadata = pq.read_metadata(tmp_path / "out.parquet").metadata
    assert {name: metadata[name] for name in metadata if name != b"ARROW:schema"} == {
        b"scorecard": b"card_default",
        b"model": b"card_default:1.0.0-fp32",
        b"graph_sha256": TOY.graph.sha256.encode(),
        b"policy": OWN.id.encode(),
        b"cutoff": str(CARD.cutoff).encode(),
        b"rows": b"2000",
        b"rejected": b"0",
    }
    assert read(tmp_path / "out.rejects.parquet").num_rows == 0


def test_the_policy_decides_and_not_the_cutoff_in_the_model_s_record(tmp_path: Path) -> None:
    path = write(rows(2_000), tmp_path / "in.parquet")
    score(path, tmp_path / "own.parquet")
    score(path, tmp_path / "other.parquet", policy=CutoffPolicy.of(dataclasses.replace(CARD, cutoff=0.1)))
    own, other = read(tmp_path / "own.parquet"), read(tmp_path / "other.parquet")
    for table, cutoff in ((own, CARD.cutoff), (other, 0.1)):
        declined = table.column("pd").to_numpy().astype(np.float64) >= cutoff
        assert table.column("decision").to_pylist() == np.where(declined, "decline", "approve").tolist()
    assert own.column("decision") != other.column("decision")
    assert own.drop_columns(["decision"]).equals(other.drop_columns(["decision"]))
    metadata = pq.read_metadata(tmp_path / "other.parquet").metadata
    assert metadata[b"cutoff"] == b"0.1"
    assert metadata[b"policy"] != OWN.id.encode()


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "folder/a.parquet", "folder/deep/b.csv"])
@pytest.mark.parametrize("output", ["out.parquet", "out.csv"])
def test_every_kind_of_file_gives_the_same_decisions(tmp_path: Path, name: str, output: str) -> None:
    table = rows(500)
    score(write(table, tmp_path / "in.parquet"), tmp_path / "expected.parquet")
    path = write(table, tmp_path / name)
    score(path if path.parent == tmp_path else tmp_path / "folder", tmp_path / output)
    out, expected = read(tmp_path / output), read(tmp_path / "expected.parquet")
    assert out.column_names == OUTPUT
    assert np.array_equal(out.column("pd").to_numpy().astype(np.float32), expected.column("pd").to_numpy())
    assert [str(key) for key in out.column("ID").to_pylist()] == [str(key) for key in expected.column("ID").to_pylist()]
    for column in ("row", "points", "band", "decision"):
        assert out.column(column).to_pylist() == expected.column(column).to_pylist()


def test_a_folder_is_one_portfolio_in_order_of_its_paths(tmp_path: Path) -> None:
    table = rows(900)
    write(table.slice(0, 300), tmp_path / "folder" / "1.parquet")
    write(table.slice(300, 300), tmp_path / "folder" / "2" / "part.parquet")
    pq.write_table(table.slice(600), tmp_path / "folder" / "3.parquet", row_group_size=70)
    (tmp_path / "folder" / "_SUCCESS").touch()
    score(write(table, tmp_path / "whole.parquet"), tmp_path / "whole.out.parquet")
    score(tmp_path / "folder", tmp_path / "folder.out.parquet")
    assert read(tmp_path / "folder.out.parquet").equals(read(tmp_path / "whole.out.parquet"))


def test_field_names_do_as_well_as_column_names_and_the_key_may_be_missing(tmp_path: Path) -> None:
    table = rows(100)
    score(write(table, tmp_path / "in.parquet"), tmp_path / "expected.parquet")
    fields = {rule.column: rule.field for rule in CARD.rules}
    bare = table.drop_columns([CARD.key, CARD.target])
    score(
        write(bare.rename_columns([fields[name] for name in bare.column_names]), tmp_path / "b.csv"), tmp_path / "o.csv"
    )
    out = read(tmp_path / "o.csv")
    assert out.column_names == OUTPUT[1:]
    expected = read(tmp_path / "expected.parquet").column("pd").to_numpy()
    assert np.array_equal(out.column("pd").to_numpy().astype(np.float32), expected)


def test_a_key_in_a_csv_file_stays_as_it_is_written(tmp_path: Path) -> None:
    table = rows(3)
    keys = table.set_column(0, "ID", pa.array(["007", "a,b", ""]))
    score(write(keys, tmp_path / "in.csv"), tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet").column("ID").to_pylist() == ["007", "a,b", None]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    path = write(changed(rows(3_000), "AGE", 5, 3), tmp_path / "in.parquet")
    for run in ("first", "second"):
        score(path, tmp_path / f"{run}.{suffix}")
    for part in ("", ".rejects"):
        first, second = [(tmp_path / f"{run}{part}.{suffix}").read_bytes() for run in ("first", "second")]
        assert first == second


def test_rejected_rows_are_named_with_every_reason(tmp_path: Path) -> None:
    table = changed(rows(50), "PAY_0", 3, 99)
    table = changed(table, "LIMIT_BAL", 3, 0)
    table = changed(table, "BILL_AMT1", 7, float("nan"))
    table = changed(table, "EDUCATION", 49, None)
    summary = score(write(table, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    keys = table.column("ID").to_pylist()
    expected = [
        (3, "LIMIT_BAL", "greater_than_equal", "Input should be greater than or equal to 1"),
        (3, "PAY_0", "less_than_equal", "Input should be less than or equal to 9"),
        (7, "BILL_AMT1", "finite_number", "Input should be a finite number"),
        (49, "EDUCATION", "missing", "Field required"),
    ]
    lines = read(tmp_path / "out.rejects.parquet").to_pylist()
    assert [tuple(line.values()) for line in lines] == [(row, keys[row], *reason) for row, *reason in expected]
    out = read(tmp_path / "out.parquet")
    kept = [row for row in range(50) if row not in {3, 7, 49}]
    assert out.column("row").to_pylist() == kept
    assert out.column("ID").to_pylist() == [keys[row] for row in kept]
    assert (summary.rows, summary.rejected) == (50, 3)


def csv_lines(count: int) -> list[str]:
    buffer = io.BytesIO()
    pa.csv.write_csv(rows(count), buffer)
    return buffer.getvalue().decode().splitlines()


def with_cell(lines: list[str], row: int, name: str, text: str) -> None:
    cells = lines[row + 1].split(",")
    cells[lines[0].replace('"', "").split(",").index(name)] = text
    lines[row + 1] = ",".join(cells)


def test_cells_and_rows_of_a_csv_file_that_cannot_be_read_are_rejected(tmp_path: Path) -> None:
    lines = csv_lines(8)
    with_cell(lines, 1, "PAY_0", "2.5")
    with_cell(lines, 1, "BILL_AMT1", "1e12")
    with_cell(lines, 2, "BILL_AMT1", "a lot")
    # The graph does not read it and it may be missing; what is there must still be readable.
    with_cell(lines, 4, "SEX", "male")
    with_cell(lines, 5, "AGE", " 41 ")
    with_cell(lines, 6, "AGE", "")
    lines[4] = "1,2,3"
    lines[8] += ",9"
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
    summary = score(tmp_path / "in.csv", tmp_path / "out.parquet", most_rejected=0.9)
    rejected = read(tmp_path / "out.rejects.parquet").select(["row", "field", "rule", "message"]).to_pylist()
    assert [tuple(line.values()) for line in rejected] == [
        (1, "PAY_0", "int_type", "Input should be a valid integer, got a number with a fractional part"),
        (1, "BILL_AMT1", "less_than_equal", "Input should be less than or equal to 1e+07"),
        (2, "BILL_AMT1", "float_parsing", "Input should be a valid number, unable to parse string as a number"),
        (3, "(row)", "cells", "Row should have 25 cells, has 3"),
        (4, "SEX", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
        (7, "(row)", "cells", "Row should have 25 cells, has 26"),
    ]
    assert read(tmp_path / "out.parquet").column("row").to_pylist() == [0, 5, 6]
    assert (summary.rows, summary.scored) == (8, 3)
    keys = dict(read(tmp_path / "out.rejects.parquet").select(["row", "ID"]).to_pandas().itertuples(index=False))
    assert keys == {1: "2", 2: "3", 3: None, 4: "5", 7: None}


def test_rows_of_a_csv_file_keep_their_numbers_over_many_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK", 4096)
    lines = csv_lines(1_000)
    torn = [row for row in range(1_000) if row % 7 == 0 or row > 990]
    for row in torn:
        lines[row + 1] = "torn"
    (tmp_path / "in.csv").write_text("\n".join(lines))
    summary = score(tmp_path / "in.csv", tmp_path / "out.parquet")
    out = read(tmp_path / "out.parquet")
    assert summary.rows == 1_000
    assert read(tmp_path / "out.rejects.parquet").column("row").to_pylist() == torn
    assert out.column("row").to_pylist() == [row for row in range(1_000) if row not in set(torn)]
    assert out.column("ID").to_pylist() == [str(row + 1) for row in out.column("row").to_pylist()]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket on an S3 server of its own, reached over HTTP as any other."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    # An instance keeps the endpoint that it was made with.
    S3FileSystem.clear_instance_cache()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    boto3.client("s3").create_bucket(
        Bucket="portfolios", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    yield "portfolios"
    S3FileSystem.clear_instance_cache()
    server.stop()


def test_s3_addresses_are_read_and_written(bucket: str, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    table = rows(600)
    local = write(table, tmp_path / "in.parquet")
    score(local, tmp_path / "expected.parquet")
    s3.upload_file(str(write(table.slice(0, 200), tmp_path / "1.parquet")), bucket, "month/1.parquet")
    s3.upload_file(str(write(table.slice(200), tmp_path / "2.parquet")), bucket, "month/2.parquet")
    summary = score(f"s3://{bucket}/month", f"s3://{bucket}/out/scored.parquet")
    assert summary.rejects == f"s3://{bucket}/out/scored.rejects.parquet"
    s3.download_file(bucket, "out/scored.parquet", str(tmp_path / "got.parquet"))
    assert (tmp_path / "got.parquet").read_bytes() == (tmp_path / "expected.parquet").read_bytes()
    s3.upload_file(str(write(table, tmp_path / "in.csv.gz")), bucket, "in.csv.gz")
    assert score(f"s3://{bucket}/in.csv.gz", tmp_path / "csv.parquet").rows == 600
    assert {item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]} == {
        "out/scored.parquet",
        "out/scored.rejects.parquet",
    }
