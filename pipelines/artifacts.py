"""Files that one stage or command writes and others read: their records and typed readers.

Paths come from `Workspace`. This module loads no library that fits models or fetches data, so that
every room of `pipelines/` can import it, the monitoring image included.
"""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from pipelines.workspace import Workspace
from training.errors import StageError
from training.sources import Form

SAMPLE = "SAMPLE DATA"
"""The label of generated data in summaries, reports and the registry's tags."""


class IngestedFile(BaseModel):
    """One file of a source, and the table made of it."""

    name: str
    table: str
    format: str
    bytes: int
    sha256: str
    verified: bool
    """By its published hash. False where none is published: sample data, Parquet, some CSV files."""
    rows: int
    columns: int
    modified_at: str | None
    """At the source, if its file system tells."""
    table_sha256: str
    """Of the Parquet file in the snapshot."""


class IngestionTotal(BaseModel):
    """All files together."""

    files: int
    bytes: int
    rows: int


class IngestionSummary(BaseModel):
    """Where the raw snapshot came from: `reports/ingestion_summary.json`."""

    scorecard: str
    source: str
    """The location, without credentials."""
    form: Form
    sample_data: bool
    title: str
    licence: str
    citation: str
    files: list[IngestedFile]
    total: IngestionTotal
    snapshot_sha256: str
    ingested_at: str


def read_summary(workspace: Workspace) -> IngestionSummary | None:
    """Return the summary of the last ingestion, or None if there was none.

    Raises:
        StageError: the file is damaged.
    """
    try:
        return IngestionSummary.model_validate_json(workspace.ingestion.read_text())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StageError(f"{workspace.ingestion} is damaged: {error.errors()[0]['msg']}; ingest again") from None
