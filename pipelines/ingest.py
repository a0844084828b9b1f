"""Stage ingest: a source to a raw snapshot and a summary of where it came from."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.scorecard import Scorecard
from training.data import SAMPLE_KEY, SNAPSHOT_KEY, RawData, published_data, sample_data, write_parquet

SOURCES = Path("data/sources")
"""One file per scorecard that names its source; DVC and make watch the folder."""
SAMPLE = "SAMPLE DATA"


class IngestionSummary(BaseModel):
    """Where the raw snapshot came from."""

    scorecard: str
    source: str
    sample_data: bool
    title: str
    licence: str
    citation: str
    rows: int
    columns: int
    source_bytes: int
    source_sha256: str
    snapshot_sha256: str
    ingested_at: str


def source_variable(scorecard: str) -> str:
    """The environment variable that names the scorecard's source."""
    return f"SCOREBOX_SOURCE_{scorecard.upper()}"


def remember_source(scorecard: str, location: str | None, *, sample: bool = False) -> str | None:
    """Sets the source for later runs: a location, or sample data; by neither, the source in force.

    The file is rewritten only if that changes something, so that nothing is made anew for nothing.

    Returns:
        The source that is now set, None for sample data.
    """
    chosen = None if sample else location or current_source(scorecard)
    path = SOURCES / scorecard
    text = f"{chosen or SAMPLE}\n"
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text)
    return chosen


def current_source(scorecard: str) -> str | None:
    """The source in force: the environment's, else the remembered one; None for sample data."""
    if location := os.environ.get(source_variable(scorecard)):
        return location
    path = SOURCES / scorecard
    remembered = path.read_text().strip() if path.exists() else SAMPLE
    return None if remembered == SAMPLE else remembered


def ingest(scorecard: Scorecard, workspace: Workspace, location: str | None, sample_rows: int) -> IngestionSummary:
    """Writes the raw snapshot and the summary; `location` None makes sample data.

    Raises:
        DataError: the source cannot be read or is not the published file.
    """
    data: RawData = sample_data(scorecard, sample_rows) if location is None else published_data(scorecard, location)
    digest = write_parquet(
        workspace.raw,
        data.frame,
        {SAMPLE_KEY: b"true" if data.sample else b"false", SNAPSHOT_KEY: data.sha256.encode()},
    )
    summary = IngestionSummary(
        scorecard=scorecard.name,
        source=data.source,
        sample_data=data.sample,
        title="SAMPLE DATA, made up by Scorebox" if data.sample else scorecard.sources[0].title,
        licence="none needed" if data.sample else scorecard.sources[0].licence,
        citation="none needed" if data.sample else scorecard.sources[0].citation,
        rows=len(data.frame),
        columns=len(data.frame.columns),
        source_bytes=data.size,
        source_sha256=data.sha256,
        snapshot_sha256=digest,
        ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_atomically(workspace.ingestion, summary.model_dump_json(indent=2) + "\n")
    return summary
