"""scorebox compare: what the journal says of two models, whoever of them decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.challenger.challenge import Challenge
from scoring.journal.writer import Journal
from scoring.models import Release
from scoring.moment import now_to_the_millisecond
from scoring.outcomes.store import Outcome, Outcomes
from tests.conftest import Project
from tests.markdown import unpadded
from tests.scoring.journal.made_up import BASIS, append, inputs

Run = Callable[..., tuple[int, str]]
CHALLENGER = BASIS.model_copy(update={"model": "card_default:2-fp32", "graph_sha256": "c" * 64})
ROWS = 400


class Told:
    """A journal in which the champion decided half of the applications, and the challenger the others."""

    def __init__(self, folder: Path) -> None:
        generator = np.random.default_rng(1)
        # As the journal keeps them.
        self.champion = generator.beta(1.2, 4.2, ROWS).astype(np.float32).astype(float)
        self.challenger = (
            np.clip(self.champion + generator.normal(0, 0.03, ROWS), 0, 1).astype(np.float32).astype(float)
        )
        self.labels = (generator.random(ROWS) < self.champion).astype(int)
        journal = Journal(folder / "journal" / "card_default")
        journal.open()
        half = ROWS // 2
        self.ids: list[str] = []
        for basis, other, mine, theirs in (
            (BASIS, CHALLENGER, self.champion[:half], self.challenger[:half]),
            (CHALLENGER, BASIS, self.challenger[half:], self.champion[half:]),
        ):
            made = append(journal, mine.tolist(), basis=basis)
            journal.append_challenges(
                other, made.decision_ids, theirs.tolist(), (theirs >= other.cutoff).tolist(), inputs(theirs.tolist())
            )
            self.ids += made.decision_ids
        # Of nobody the other model thinks anything, and of one a model that is neither.
        append(journal, [0.1] * 5)
        foreign = BASIS.model_copy(update={"model": "card_default:0-fp32"})
        made = append(journal, [0.1], basis=foreign)
        journal.append_challenges(CHALLENGER, made.decision_ids, [0.9], [True], inputs([0.9]))
        journal.close()


@pytest.fixture
def told(project: Project) -> Told:
    (project.folder / "releases").mkdir()
    release = Release(scorecard="card_default", version="1", serving="fp32", tags={"fp32": BASIS.model})
    release.write(project.folder / "releases" / "card_default.json")
    return Told(project.folder)


def report(project: Project) -> dict[str, Any]:
    path = project.folder / "artifacts" / "full" / "card_default" / "monitoring" / "compare.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_both_directions_are_one_comparison(project: Project, scorebox: Run, told: Told) -> None:
    code, printed = scorebox("compare", "card_default")
    assert code == 0, printed
    found = report(project)
    comparison = found["comparison"]
    assert (found["champion"], found["challenger"]) == (BASIS.model, CHALLENGER.model)
    assert (comparison["applications"], found["by_challenger"]) == (ROWS, ROWS // 2)
    first, second = told.champion >= BASIS.cutoff, told.challenger >= BASIS.cutoff
    assert comparison["flips"] == {
        "to_decline": int((second & ~first).sum()),
        "to_approve": int((first & ~second).sum()),
        "share": float((first != second).mean()),
    }
    assert comparison["pd_shift"]["mean"] == pytest.approx(float((told.challenger - told.champion).mean()))
    assert comparison["matured"] is None
    assert found["verdict"] in printed
    folder = project.folder / "artifacts" / "full" / "card_default" / "monitoring"
    page = (folder / "compare.md").read_text()
    assert "![PDs of both](compare.png)" in page
    assert "nan" not in page
    assert (folder / "compare.png").stat().st_size > 10_000


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_labels_come_from_a_file(project: Project, scorebox: Run, told: Told, suffix: str) -> None:
    table = pd.DataFrame({"decision_id": [*told.ids[:300], "of-another-journal"], "defaulted": [*told.labels[:300], 1]})
    path = project.folder / f"labels.{suffix}"
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    code, printed = scorebox("compare", "card_default", "--outcomes", str(path))
    assert code == 0, printed
    matured = report(project)["comparison"]["matured"]
    assert (matured["applications"], matured["defaults"]) == (300, int(told.labels[:300].sum()))
    assert set(matured["difference"]) == {"auc", "ks", "brier"}
    page = project.folder / "artifacts" / "full" / "card_default" / "monitoring" / "compare.md"
    assert "| AUC |" in unpadded(page.read_text())


def test_labels_that_were_recorded_count(project: Project, scorebox: Run, told: Told) -> None:
    store = Outcomes(project.folder / "journal" / "card_default")
    pairs = zip(told.ids[:200], told.labels.tolist(), strict=False)
    assert set(store.record([Outcome(name, label, "2030-01-01", "test") for name, label in pairs])) == {"recorded"}
    code, printed = scorebox("compare", "card_default")
    assert code == 0, printed
    matured = report(project)["comparison"]["matured"]
    assert (matured["applications"], matured["defaults"]) == (200, int(told.labels[:200].sum()))


def test_a_part_of_the_time_may_be_chosen(project: Project, scorebox: Run, told: Told) -> None:
    code, printed = scorebox("compare", "card_default", "--until", "2020-01-01")
    assert code == 1
    assert "no application of that time that champion and challenger have both scored" in printed
    assert scorebox("compare", "card_default", "--since", "2020-01-01")[0] == 0
    assert report(project)["comparison"]["applications"] == ROWS
    code, printed = scorebox("compare", "card_default", "--since", "20991231T000000Z")
    assert (code, "no application of that time" in printed) == (1, True)
    code, printed = scorebox("compare", "card_default", "--since", "yesterday")
    assert (code, "'yesterday' is no date or time of ISO 8601" in printed) == (1, True)


def test_fail_says_by_its_exit_code_that_they_differ_too_much(project: Project, scorebox: Run, told: Told) -> None:
    assert scorebox("compare", "card_default", "--fail", "--flips", "0.5", "--psi", "1")[0] == 0
    code, printed = scorebox("compare", "card_default", "--fail", "--flips", "0.001")
    assert code == 1
    assert "of decisions differ, at most 0.10% may" in printed
    assert report(project)["comparison"]["applications"] == ROWS, "the report is there all the same"


def test_the_challenge_that_runs_is_the_one_that_is_compared(project: Project, scorebox: Run, told: Told) -> None:
    other = Release(scorecard="card_default", version="3", serving="fp32", tags={"fp32": "card_default:3-fp32"})
    challenge = Challenge(id="c-3", release=other, share=0, made_at=now_to_the_millisecond())
    challenge.write(project.folder / "releases" / "card_default.challenger.json")
    code, printed = scorebox("compare", "card_default")
    assert code == 1
    assert "no application of that time" in printed


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("decision_id,bad\na,1\n", "has no column defaulted"),
        ("decision_id,defaulted\na,2\n", "defaulted must be 0 or 1, and is not in 1 rows"),
        ("decision_id,defaulted\na,1\na,0\n", "1 rows repeat a decision_id"),
        (None, "there is no "),
    ],
)
def test_wrong_outcomes_are_one_line(
    project: Project, scorebox: Run, told: Told, content: str | None, says: str
) -> None:
    path = project.folder / "labels.csv"
    if content is not None:
        path.write_text(content)
    code, printed = scorebox("compare", "card_default", "--outcomes", str(path))
    assert code == 1
    assert says in printed


def test_without_a_journal_there_is_nothing_to_compare(project: Project, scorebox: Run, told: Told) -> None:
    code, printed = scorebox("compare", "card_default", "--journal", "nowhere")
    assert code == 1
    assert "there is no journal in nowhere" in printed
