"""Outcomes over HTTP and by the command, while the server decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scoring.outcomes.store import Outcomes
from tests.conftest import Project
from tests.e2e.server import Server
from tests.here import scorebox_here
from tests.pipelines.realised import CARD, write_csv

LATER = datetime.now(UTC).date().isoformat()


def test_a_served_decision_is_labelled_by_http_and_by_file(
    server: Server, project: Project, example: dict[str, Any]
) -> None:
    answer = server.post("/predict_batch", {"applications": [example] * 4}).json()
    names = [decision["decision_id"] for decision in answer["decisions"]]
    rows = [{"decision_id": name, "defaulted": 1, "observed_on": LATER} for name in names[:2]]
    assert server.post("/outcomes", {"outcomes": rows}).json() == {
        "recorded": 2,
        "repeated": 0,
        "conflicting": 0,
        "unknown": 0,
        "early": 0,
        "rows": [],
    }
    journal = server.output.parent / "journal"
    write_csv(project.folder / "outcomes.csv", [*names, "nobody"], [1, 0, 0, 0, 1], LATER)
    imported = project.scorebox("outcomes", "import", CARD.name, "outcomes.csv", "--journal", str(journal))
    assert "warning 2 rows were not recorded" in " ".join(imported.stderr.split())
    labels = Outcomes(journal).labels()
    assert [labels[name] for name in names] == [1, 1, 0, 0]
    rows = [{"decision_id": names[3], "defaulted": 1, "observed_on": LATER}]
    assert server.post("/outcomes", {"outcomes": rows}).json()["rows"] == [
        {"index": 0, "decision_id": names[3], "result": "conflicting"}
    ]
    scorebox_here(project.folder, project.store, "performance", CARD.name, "--journal", str(journal))
    written = Path("artifacts") / "full" / CARD.name / "monitoring" / "performance.json"
    (judged,) = json.loads((project.folder / written).read_text())["models"]
    assert judged["model"] == answer["decisions"][0]["model"]
    assert judged["figures"]["matured"] >= 4
