"""docs/how-to/add_a_scorecard.md, done word for word in a copy of the project: a module, an entry, nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import PROJECT
from tests.e2e.project import copy_project
from tests.e2e.server import BENTOML, serve
from tests.waiting import PATIENCE

NAME = "phone_plan"
GUIDE = (PROJECT / "docs" / "how-to" / "add_a_scorecard.md").read_text()
EXAMPLE = {"INCOME": 30000, "MONTHS": 24, "CHANNEL": "web"}
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Copy:
    """A copy of the project with the fifth scorecard built in it."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / ".bentoml"

    def run(self, *command: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SCOREBOX_")}
        environment |= {"BENTOML_HOME": str(self.store), "BENTOML_DO_NOT_TRACK": "True", "COLUMNS": "200", **PATIENCE}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def scorebox(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "pipelines.cli", *arguments)


def plans(rows: int = 3_000) -> pd.DataFrame:
    """The product's own data: what a seller might have, with a price missing here and there."""
    generator = np.random.default_rng(11)
    price = generator.integers(80, 1_500, rows).astype(float)
    income = generator.lognormal(10.3, 0.5, rows).round(2)
    months = generator.choice([12, 24, 36], rows)
    channel = generator.choice(["shop", "web", "agent"], rows)
    risk = 1.5 * np.log(price / income * 20) + 0.03 * months + (channel == "agent") - 2.2
    unpaid = generator.random(rows) < 1 / (1 + np.exp(-risk))
    price[generator.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "CONTRACT": np.arange(7_000, 7_000 + rows),
            "INCOME": income,
            "MONTHS": months,
            "PRICE": price,
            "CHANNEL": channel,
            "AGE": generator.integers(18, 80, rows),
            "UNPAID": unpaid.astype(int),
        }
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = copy_project(tmp_path_factory.mktemp("fifth") / "project")
    made = Copy(folder)
    module = re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    entry = re.search(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert module
    assert entry
    (folder / "scoring" / "scorecards" / f"{NAME}.py").write_text(module[1])
    with (folder / "params.yaml").open("a") as params:
        params.write("\n" + entry[1])
    plans().to_csv(folder / "plans.csv", index=False)
    made.scorebox("source", NAME, "plans.csv")
    made.scorebox("build", NAME, "--profile", "quick")
    return made


def test_it_is_trained_promoted_and_reported(copy: Copy) -> None:
    folder = copy.folder / "artifacts" / "quick" / NAME
    card = (folder / "report" / "card.md").read_text()
    assert "Unpaid telephone plans" in card
    assert "SAMPLE DATA" not in card
    assert pq.read_metadata(folder / "test.parquet").num_rows == 600
    assert "champion" in copy.scorebox("registry", NAME)
    assert (copy.folder / "releases" / f"{NAME}.json").exists()


def test_it_serves_with_a_typed_openapi_document(copy: Copy) -> None:
    with serve(
        copy.store, folder=copy.folder, release=False, SCOREBOX_SCORECARD=NAME, BENTOML_HOME=str(copy.store)
    ) as server:
        body = server.post("/predict", EXAMPLE).json()
        assert (body["scorecard"], body["band"]) == (NAME, "LOW" if body["pd"] < 0.15 else "HIGH")
        schema = server.get("/docs.json").json()["components"]["schemas"]["PlanApplication"]
        assert schema["properties"]["CHANNEL"]["enum"] == ["shop", "web", "agent"]
        assert schema["required"] == ["INCOME", "MONTHS", "CHANNEL"]
        refused = server.post("/predict", EXAMPLE | {"CHANNEL": "door", "MONTHS": 0}).json()
        assert [(error["field"], error["rule"]) for error in refused["errors"]] == [
            ("MONTHS", "greater_than_equal"),
            ("CHANNEL", "literal_error"),
        ]
        page = server.get("/").text
        for words in (
            "Length of the plan",
            "EUR a year",
            '<option value="web" selected>The web page</option>',
            "Price",
        ):
            assert words in page


def test_it_builds_into_a_bento_of_its_own(copy: Copy) -> None:
    built = copy.run(*BENTOML, "build", "-f", f"bentos/{NAME}/bentofile.yaml", "--output", "tag", ".")
    assert f"__tag__:scorebox_{NAME}:" in built


def test_a_portfolio_is_scored(copy: Copy) -> None:
    copy.scorebox("score", NAME, "plans.csv", "scored.parquet")
    scored = pq.read_table(copy.folder / "scored.parquet")
    assert scored.num_rows == 3_000
    assert scored["CONTRACT"][0].as_py() == "7000"


def test_the_load_test_sends_it_applications(copy: Copy) -> None:
    targets = copy.folder / "targets.toml"
    shape = "p50_ms = 1000\np95_ms = 3000\np99_ms = 5000\nfailure_share = 0.0\nminimum_rate = 1\n"
    targets.write_text(
        "\n".join(
            f"[{scenario}]\nusers = 2\nrequests_per_user = 5.0\n"
            + "".join(f"[{scenario}.{name}]\n{shape}" for name in ("ramp", "spike", "soak"))
            for scenario in ("single", "batch", "mixed")
        )
    )
    copy.run(
        sys.executable, "-m", "loadtests.run", "--scenario", "mixed", "--seconds", "4", "--scorecard", NAME,
        "--targets", str(targets),
    )  # fmt: skip


def test_dvc_has_its_stages(copy: Copy) -> None:
    stages = set(yaml.safe_load((copy.folder / "dvc.yaml").read_text())["stages"])
    copy.run("git", "init", "--quiet")
    listed = copy.run(sys.executable, "-m", "dvc", "stage", "list", "--name-only").split()
    assert {f"{stage}@{NAME}" for stage in stages} <= set(listed)
