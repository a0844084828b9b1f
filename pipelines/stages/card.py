"""Stage card: the model card, from what the stages before it wrote."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.artifacts import (
    IngestionSummary,
    read_benchmark,
    read_contents,
    read_report,
    read_verification,
    same_graphs,
    store_version,
    to_push,
)
from pipelines.params import ScorecardParams
from pipelines.stages.train import load_competition, load_trained
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.evaluation import card as cards
from training.evaluation import variants
from training.evaluation.fairness import SMALLEST_GROUP
from training.evaluation.report import candidates_table, comparison_table, reasons_sentence, reasons_table


def card(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams) -> Path:
    """Write `report/card.md` and `report/card.html`, and return the latter's path.

    Raises:
        StageError: a stage has not run, or measured other graphs.
        DataError: a section or a cell would be empty.
    """
    report = read_report(workspace)
    verification = read_verification(workspace)
    contents = read_contents(workspace)
    graphs = {variant: content.graph for variant, content in contents.items()}
    same_graphs(workspace, "report", report.graph_sha256, graphs)
    same_graphs(workspace, "verify", verification.graph_sha256, graphs)
    competition = load_competition(workspace)
    try:
        ingestion = IngestionSummary.model_validate_json(workspace.ingestion.read_bytes())
        split = json.loads(workspace.split.read_bytes())
    except (OSError, ValueError) as error:
        raise StageError(f"the ingestion or the split cannot be read: {error}; run: scorebox ingest") from None
    text = cards.render(
        {
            "scorecard": scorecard,
            "report": report,
            "verification": verification,
            "competition": competition,
            "winner": next(item for item in competition.candidates if item.name == competition.winner),
            "specification": load_trained(workspace).specification,
            "ingestion": ingestion,
            "split": split,
            "test_default_share": split["test"]["default_share"],
            "seed": params.seed,
            "store_version": store_version(report, to_push(verification, contents)),
            "smallest_group": SMALLEST_GROUP,
            "candidates_table": candidates_table(competition.candidates),
            "reasons_table": reasons_table(report.reasons),
            "reasons_sentence": reasons_sentence(report.reasons),
            "comparison_table": comparison_table(report.protected_comparison) if report.protected_comparison else "",
            "variants_table": variants.markdown(read_benchmark(workspace)),
        }
    )
    html = cards.page(text, workspace.report)
    write_atomically(workspace.report / "card.md", text)
    write_atomically(workspace.report / "card.html", html)
    return workspace.report / "card.html"
