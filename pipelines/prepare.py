"""Stages validate and split: rows that hold the contract, in two parts."""

from __future__ import annotations

import json

from pipelines.errors import StageError
from pipelines.params import ScorecardParams
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.scorecard import Scorecard
from training.contract import ContractReport, check, typed
from training.data import read_parquet, write_parquet
from training.split import split_rows


class ContractViolatedError(StageError):
    """The data break the contract."""

    def __init__(self, report: ContractReport, path: str) -> None:
        super().__init__(f"{report.scorecard}: {len(report.violations)} rules of the data contract are broken: {path}")
        self.report = report


def validate(scorecard: Scorecard, workspace: Workspace) -> ContractReport:
    """Writes the contract's verdict and, if it holds, the typed rows.

    Raises:
        ContractViolatedError: a rule is broken; the report is written all the same.
    """
    raw, metadata = read_parquet(workspace.raw_table("applications"))
    frame = typed(scorecard, raw)
    report = check(scorecard, frame)
    write_atomically(workspace.contract, report.model_dump_json(indent=2) + "\n")
    if not report.holds:
        workspace.checked.unlink(missing_ok=True)
        raise ContractViolatedError(report, str(workspace.contract))
    write_parquet(workspace.checked, frame, metadata)
    return report


def split(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams) -> dict[str, object]:
    """Writes training rows, test rows, and a summary with their hashes."""
    frame, metadata = read_parquet(workspace.checked)
    parts = split_rows(scorecard, frame, test_share=params.test_share, seed=params.seed)
    summary: dict[str, object] = {"scorecard": scorecard.name, "seed": params.seed}
    for path, rows in zip((workspace.train, workspace.test), parts, strict=True):
        part = frame.iloc[rows]
        summary[path.stem] = {
            "rows": len(part),
            "default_share": round(float(part[scorecard.target].mean()), 6),
            "sha256": write_parquet(path, part.reset_index(drop=True), metadata),
        }
    write_atomically(workspace.split, json.dumps(summary, indent=2) + "\n")
    return summary
