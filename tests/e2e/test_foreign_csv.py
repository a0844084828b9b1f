"""A lender's own export becomes a served scorecard by a module and three lines of parameters, and its letters are true.

The export has gaps, sentinels, a target of texts, no key, and the signs of another country.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.e2e.project import copy_project
from tests.e2e.server import Server, serve

pytestmark = pytest.mark.slow
NAME = "kredite"
MODULE = '''"""kredite: will an instalment loan be paid back?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scoring.application import Application, Sentinel
from scoring.plain_features import plain_features
from scoring.sampling import sample_by_rules
from scoring.scorecard import ReasonGroup, RiskBand, Scorecard, Source, SourceFile
from scoring.statements import Statement, above, below, differs, equal, missing


class LoanApplication(Application):
    """An applicant for an instalment loan."""

    amount: float = Field(alias="BETRAG", ge=100, le=100_000, description="EUR")
    income: float | None = Field(None, alias="EINKOMMEN", ge=0, le=50_000, description="EUR a month")
    months_known: Annotated[int, Field(ge=0, le=600), Sentinel(-9, -8)] = Field(
        alias="MONATE", description="since the first account; -9 no account, -8 not asked"
    )
    housing: Literal["Eigentum", "Miete", "Eltern"] | None = Field(None, alias="WOHNEN", description="housing")


SCORECARD = Scorecard(
    name="kredite",
    title="Instalment loans of a lender",
    purpose="Estimates the probability that an instalment loan is not paid back.",
    limits=("Made up for a test.",),
    application=LoanApplication,
    key="ZEILE",
    target="AUSGANG",
    target_values=("bezahlt", "ausgefallen"),
    protected=frozenset(),
    cutoff=0.3,
    reasons=(
        ReasonGroup("AMOUNT", "The amount counts against the application.", ("BETRAG",), (
            Statement("TOO_HIGH", "The amount is too high.", above("BETRAG")),
            Statement("TOO_LOW", "The amount is too low.", below("BETRAG")),
        )),
        ReasonGroup("INCOME", "The income counts against the application.", ("EINKOMMEN",), (
            Statement("NOT_GIVEN", "The income was not given.", missing("EINKOMMEN")),
            Statement("TOO_LOW", "The income is too low.", below("EINKOMMEN")),
            Statement("TOO_HIGH", "The income is too high.", above("EINKOMMEN")),
        )),
        ReasonGroup("ACCOUNT", "The account counts against the application.", ("MONATE",), (
            Statement("NO_ACCOUNT", "There is no account.", equal("MONATE", -9)),
            Statement("NOT_ASKED", "The age of the account is not known.", equal("MONATE", -8)),
            Statement("TOO_SHORT", "The first account is too young.", below("MONATE")),
            Statement("TOO_LONG", "The first account is too old.", above("MONATE")),
        )),
        ReasonGroup("HOUSING", "The housing counts against the application.", ("WOHNEN",), (
            Statement("NOT_GIVEN", "The housing was not given.", missing("WOHNEN")),
            Statement("OTHER", "The housing counts against the application.", differs("WOHNEN")),
        )),
    ),
    bands=(RiskBand("LOW", 0.15), RiskBand("HIGH", 1.01)),
    sources=(
        Source(
            title="Instalment loans",
            licence="own data",
            citation="own data",
            files=(
                SourceFile(
                    file_name="kredite.csv", sha256=None, rows=None, separator=";", decimal=",", encoding="cp1252",
                    missing=("", "-"), ignored=("PRÜFER",),
                ),
            ),
        ),
    ),
    features={"fields": plain_features(LoanApplication, "ZEILE", set())},
    sample=sample_by_rules(LoanApplication, "ZEILE", "AUSGANG", default_share=0.2),
    example={"BETRAG": 5000, "EINKOMMEN": 1800, "MONATE": 40, "WOHNEN": "Miete"},
)
'''
ENTRY = """
  kredite:
    candidates:
      boosting: {family: boosting, features: fields, parameters: {n_estimators: 40, num_leaves: 6}}
"""
IS_TRUE: dict[tuple[str, str], Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    ("AMOUNT", "TOO_HIGH"): lambda row, other: row["BETRAG"] > other["BETRAG"],
    ("AMOUNT", "TOO_LOW"): lambda row, other: row["BETRAG"] < other["BETRAG"],
    ("INCOME", "NOT_GIVEN"): lambda row, other: "EINKOMMEN" not in row,
    ("INCOME", "TOO_LOW"): lambda row, other: "EINKOMMEN" in row and row["EINKOMMEN"] < other["EINKOMMEN"],
    ("INCOME", "TOO_HIGH"): lambda row, other: "EINKOMMEN" in row and row["EINKOMMEN"] > other["EINKOMMEN"],
    ("ACCOUNT", "NO_ACCOUNT"): lambda row, other: row["MONATE"] == -9,
    ("ACCOUNT", "NOT_ASKED"): lambda row, other: row["MONATE"] == -8,
    ("ACCOUNT", "TOO_SHORT"): lambda row, other: 0 <= row["MONATE"] < other["MONATE"],
    ("ACCOUNT", "TOO_LONG"): lambda row, other: row["MONATE"] > other["MONATE"],
    ("HOUSING", "NOT_GIVEN"): lambda row, other: "WOHNEN" not in row,
    ("HOUSING", "OTHER"): lambda row, other: "WOHNEN" in row and row["WOHNEN"] != other["WOHNEN"],
}
"""When a statement is true of an application, next to the reference applicant."""
GROUP_OF = {"EINKOMMEN": "INCOME", "WOHNEN": "HOUSING"}
"""The reason group of each field that may be missing."""


def loans(rows: int = 3_000) -> pd.DataFrame:
    """Applications in which a gap says something of the risk, as gaps of a form often do."""
    generator = np.random.default_rng(12)
    amount = generator.lognormal(8.3, 0.6, rows).clip(100, 100_000).round(2)
    income = generator.lognormal(7.5, 0.4, rows).clip(0, 50_000).round(2)
    months = generator.integers(0, 240, rows)
    kind = generator.random(rows)
    months = np.where(kind < 0.1, -9, np.where(kind < 0.15, -8, months))
    housing = generator.choice(["Eigentum", "Miete", "Eltern", "-"], rows, p=[0.3, 0.45, 0.1, 0.15])
    gap = generator.random(rows) < 0.2
    known = np.log(amount / income) - 0.8
    risk = 1.2 * known + 1.1 * gap + 1.0 * (months == -9) - 0.004 * months.clip(0) + 0.6 * (housing == "Miete") - 1.2
    bad = generator.random(rows) < 1 / (1 + np.exp(-risk))
    return pd.DataFrame(
        {
            "BETRAG": amount,
            "EINKOMMEN": np.where(gap, np.nan, income),
            "MONATE": months,
            "WOHNEN": housing,
            "PRÜFER": generator.choice(["Müller", "Weiß"], rows),
            "AUSGANG": np.where(bad, "ausgefallen", "bezahlt"),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = copy_project(tmp_path_factory.mktemp("foreign") / "project")
    (made / "scoring" / "scorecards" / f"{NAME}.py").write_text(MODULE)
    with (made / "params.yaml").open("a") as params:
        params.write(ENTRY)
    loans().to_csv(made / "kredite.csv", index=False, sep=";", decimal=",", encoding="cp1252", na_rep="-")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCOREBOX_")}
    environment |= {"BENTOML_HOME": str(made / ".bentoml"), "COLUMNS": "200"}
    for command in (["source", NAME, "kredite.csv"], ["build", NAME, "--profile", "quick"]):
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *command],
            cwd=made, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serve(folder / ".bentoml", folder=folder, release=False, SCOREBOX_SCORECARD=NAME) as running:
        yield running


def applications(rows: int = 900) -> list[dict[str, Any]]:
    """The applications of the export, as a client would send them: what is missing is left out."""
    table = loans().drop(columns=["PRÜFER", "AUSGANG"]).replace("-", None).head(rows)
    return [json.loads(row.dropna().to_json()) for _, row in table.iterrows()]


def test_every_letter_is_true_and_every_gap_that_is_enough_is_spoken_of(server: Server) -> None:
    sent = applications()
    decided = decisions(server, sent)
    reference = server.post("/explain", sent[0]).json()["reference"]["values"]
    assert None not in reference.values(), "the reference applicant shares no gap"
    declined = [index for index, one in enumerate(decided) if one["decision"] == "decline"]
    assert len(declined) > 100
    said = set()
    for index in declined:
        assert decided[index]["reasons"]
        for reason in decided[index]["reasons"]:
            key = (reason["code"], reason["statement"])
            said.add(key)
            assert IS_TRUE[key](sent[index], reference), (sent[index], reason)
    assert {("INCOME", "NOT_GIVEN"), ("ACCOUNT", "NO_ACCOUNT"), ("AMOUNT", "TOO_HIGH")} <= said
    enough = 0
    for field, code in GROUP_OF.items():
        gaps = [index for index in declined if field not in sent[index]]
        filled = decisions(server, [sent[index] | {field: reference[field]} for index in gaps])
        for index, one in zip(gaps, filled, strict=True):
            if one["decision"] == "approve":
                enough += 1
                assert code in [reason["code"] for reason in decided[index]["reasons"]], sent[index]
    assert enough > 10


def test_the_model_says_whose_data_it_is_of(server: Server, folder: Path) -> None:
    assert server.get("/model_info").json()["data_label"] == "own data, unverified"
    card = (folder / "artifacts" / "quick" / NAME / "report" / "card.md").read_text()
    assert "own data, unverified" in card


def decisions(server: Server, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = server.post("/predict_batch", {"applications": rows})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["decisions"]
    return found
