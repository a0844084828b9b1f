"""Stages validate, features and split: raw tables that hold their contract, to rows in two parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.params import ScorecardParams
from pipelines.workspace import Workspace
from scoring.files import remove_file, write_atomically
from scoring.leftovers import scratch_folder
from scoring.models import DATA_LABELS
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.parquet import KIND_KEY, SAMPLE_KEY, SNAPSHOT_KEY, data_kind, read_arrow, read_parquet, write_parquet
from training.split import applicants, check_counts, split_rows
from training.tables import TableSet, find, pick
from training.tables import build as tables_build
from training.tables import contract as tables_contract
from training.tables.application_contract import ContractReport, check, typed
from training.tables.engine import count_rows

Advance = Callable[[str, int], None]


class ContractViolatedError(StageError):
    """The data break the contract."""

    def __init__(self, report: ContractReport, where: object) -> None:
        broken = len(report.violations)
        rules = "1 rule of the data contract is" if broken == 1 else f"{broken} rules of the data contract are"
        super().__init__(f"{report.scorecard}: {rules} broken: {where}")
        self.report = report


def _tables(scorecard: Scorecard, raw: Path) -> TableSet | None:
    """Return the form of raw tables that is in a folder; None for a scorecard whose rows come as they are."""
    forms = find(scorecard.name)
    return pick(forms, raw) if forms else None


def _only_table(scorecard: Scorecard, raw: Path) -> pd.DataFrame:
    rows, _ = read_arrow(raw / "applications.parquet")
    return typed(scorecard, rows)


class Check(Protocol):
    """Gives the verdict of the contract on the tables of a folder."""

    def __call__(self, scorecard: Scorecard, raw: Path, spill: Path) -> ContractReport:
        """Return it."""


def check_raw(
    scorecard: Scorecard, raw: Path, spill: Path, advance: Advance = lambda what, rows: None
) -> ContractReport:
    """Return the verdict of the raw tables' contracts; a single table's is the scorecard's own.

    Args:
        scorecard: the product.
        raw: the folder of the tables.
        spill: the folder for what does not fit into memory.
        advance: told of rows that are done.
    """
    tables = _tables(scorecard, raw)
    if tables is None:
        return check(scorecard, _only_table(scorecard, raw))
    with scratch_folder(spill, ".validate") as scratch:
        return tables_contract.check(tables, raw, scratch, advance)


def validate(
    scorecard: Scorecard,
    workspace: Workspace,
    params: ScorecardParams,
    advance: Advance = lambda what, rows: None,
) -> ContractReport:
    """Write the verdict of the raw tables' contracts; a single table's is the scorecard's own.

    Raises:
        ContractViolatedError: a rule is broken; the report is written all the same.
        StageError: there are no rows.
        DataError: a single table has too few applicants of one outcome; of several tables, `features` tells.
    """
    # Rows of an earlier run must not pass for these.
    remove_file(workspace.applications)
    report = check_raw(scorecard, workspace.raw, workspace.folder, advance)
    _write_report(report, workspace.contract)
    if not report.rows:
        raise StageError(f"{scorecard.name}: the raw snapshot holds no rows")
    if not find(scorecard.name):
        _check_counts(scorecard, _only_table(scorecard, workspace.raw), params)
    return report


def raw_rows(scorecard: Scorecard, workspace: Workspace) -> int:
    """Return how many rows `validate` reads in batches: for a progress bar."""
    tables = _tables(scorecard, workspace.raw)
    return count_rows(tables.tables, workspace.raw) if tables else 0


def queries_needed(scorecard: Scorecard, workspace: Workspace) -> int:
    """Return how many queries `features` runs: for a progress bar."""
    tables = _tables(scorecard, workspace.raw)
    return len(tables_build.queries(tables)) if tables else 0


def features(
    scorecard: Scorecard,
    workspace: Workspace,
    params: ScorecardParams,
    advance: Advance = lambda what, queries: None,
) -> ContractReport:
    """Write one row per application, where each column comes from, and the scorecard's verdict on them.

    Raises:
        ContractViolatedError: a rule is broken; the report is written all the same, the rows are not.
        DataError: there are too few applicants of one outcome; no rows are written.
    """
    remove_file(workspace.applications)
    tables = _tables(scorecard, workspace.raw)
    if tables is None:
        raw, metadata = read_arrow(workspace.raw_table("applications"))
        lineage = {
            "scorecard": scorecard.name,
            "rows": raw.num_rows,
            "columns": {column: {"tables": ["applications"]} for column in raw.column_names},
        }
    else:
        raw, metadata, lineage = _built(tables, workspace, advance)
    frame = typed(scorecard, raw)
    report = check(scorecard, frame)
    _write_report(report, workspace.features_contract)
    _check_counts(scorecard, frame, params)
    made_of = {"data": DATA_LABELS[data_kind(metadata)], "snapshot_sha256": metadata[SNAPSHOT_KEY].decode()}
    write_atomically(workspace.lineage, json.dumps({**lineage, **made_of}, indent=2) + "\n")
    write_parquet(workspace.applications, frame, metadata)
    return report


def _built(
    tables: TableSet, workspace: Workspace, advance: Advance
) -> tuple[pa.Table, dict[bytes, bytes], dict[str, object]]:
    """Return rows by the product's own queries, what is known of the raw tables, and the lineage."""
    with scratch_folder(workspace.folder, ".features") as scratch:
        built = scratch / "applications.parquet"
        lineage = tables_build.build(tables, workspace.raw, built, advance)
        rows, _ = read_arrow(built)
    metadata = pq.read_schema(workspace.raw_table(tables.tables[0].name)).metadata or {}
    kept = {key: metadata[key] for key in (KIND_KEY, SAMPLE_KEY, SNAPSHOT_KEY) if key in metadata}
    return rows, kept, lineage.model_dump(mode="json")


def _check_counts(scorecard: Scorecard, frame: pd.DataFrame, params: ScorecardParams) -> None:
    check_counts(scorecard, frame, test_share=params.test_share, fold_count=params.folds)


def _write_report(report: ContractReport, path: Path) -> None:
    write_atomically(path, report.model_dump_json(indent=2) + "\n")
    if not report.holds:
        raise ContractViolatedError(report, path)


def split(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams) -> dict[str, object]:
    """Write training rows, test rows, and a summary with their hashes.

    Raises:
        StageError: a key or an applicant would be in both parts.
        DataError: there are too few applicants of one outcome.
    """
    frame, metadata = read_parquet(workspace.applications)
    _check_counts(scorecard, frame, params)
    parts = split_rows(scorecard, frame, test_share=params.test_share, seed=params.seed)
    summary: dict[str, object] = {"scorecard": scorecard.name, "seed": params.seed, "on_both_sides": 0}
    for entity, numbers in (("key", frame[scorecard.key].to_numpy()), ("applicant", applicants(scorecard, frame))):
        if both := np.intersect1d(numbers[parts[0]], numbers[parts[1]]).size:
            raise StageError(f"{scorecard.name}: {both:,} values of {entity} are in training and test rows")
    for path, rows in zip((workspace.train, workspace.test), parts, strict=True):
        part = frame.iloc[rows]
        summary[path.stem] = {
            "rows": len(part),
            "default_share": round(float(part[scorecard.target].mean()), 6),
            "sha256": write_parquet(path, part.reset_index(drop=True), metadata),
        }
    write_atomically(workspace.split, json.dumps(summary, indent=2) + "\n")
    return summary
