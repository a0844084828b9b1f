"""The actors of a Ray cluster give what one process gives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scoring.policy import CutoffPolicy
from tests.conftest import PROJECT, Project, make_project
from tests.pipelines.portfolio.portfolios import CARD, changed, rows, write
from tests.serving.toy import push_release_in

# Each starts the command in a process of its own, with Ray.
pytestmark = pytest.mark.slow
SUFFIXES = ("parquet", "csv", "csv.gz")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small model with a cut-off policy, and portfolios of many parts with bad rows in two of them."""
    made = make_project(tmp_path_factory.mktemp("cluster") / "project")
    push_release_in(made.store, made.folder / "releases" / "card_default.json")
    own = CutoffPolicy.of(dataclasses.replace(CARD, cutoff=0.1))
    own.write(made.folder / "releases" / "card_default.policy.json")
    table = changed(changed(rows(9_000), "AGE", 4, 5), "BILL_AMT1", 8_999, None)
    for part in range(9):
        write(
            table.slice(1_000 * part, 1_000).drop_columns(["ID"]),
            made.folder / "parts" / f"{part}.{SUFFIXES[part % 3]}",
        )
    pq.write_table(table, made.folder / "whole.parquet", row_group_size=100)
    return made


def test_a_local_ray_gives_the_same_bytes(served: Project) -> None:
    for name, suffix in (("whole.parquet", "parquet"), ("parts", "csv")):
        written = {}
        for engine in ("local", "ray"):
            served.scorebox("score", "card_default", name, f"{engine}/out.{suffix}", "--engine", engine)
            folder = served.folder / engine
            written[engine] = [(folder / f"out{part}.{suffix}").read_bytes() for part in ("", ".rejects")]
        assert written["ray"] == written["local"]


def test_a_file_that_a_worker_cannot_read_is_one_line(served: Project) -> None:
    path = served.folder / "damaged.parquet"
    content = bytearray((served.folder / "whole.parquet").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2_000] = bytes(2_000)
    path.write_bytes(content)
    failed = served.scorebox("score", "card_default", path.name, "o.parquet", "--engine", "ray", check=False)
    assert failed.returncode == 1
    assert "damaged.parquet cannot be read as Parquet: " in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr
    assert not (served.folder / "o.parquet").exists()


def test_a_cluster_that_does_not_answer_is_one_line(served: Project) -> None:
    arguments = ("score", "card_default", "whole.parquet", "o.parquet", "--engine", "ray")
    failed = served.scorebox(*arguments, check=False, RAY_ADDRESS="127.0.0.1:9")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error no Ray cluster answers at RAY_ADDRESS 127.0.0.1:9: ")
    assert not (served.folder / "o.parquet").exists()


def test_without_ray_the_command_says_how_to_get_it(served: Project, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise ModuleNotFoundError('No module named ray')")
    arguments = ("score", "card_default", "whole.parquet", "o.parquet", "--engine", "ray")
    failed = served.scorebox(*arguments, check=False, PYTHONPATH=f"{tmp_path}:{PROJECT}")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == "error --engine ray needs Ray: pip install 'scorebox[cluster]'"
