"""Stage ingest: a source to a raw snapshot and a summary of where it came from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from pipelines.artifacts import IngestedFile, IngestionSummary, IngestionTotal
from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.files import replace_folder, write_atomically
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard, Source
from training.sources import SAMPLE, Form
from training.sources.fetch import Tell, fetch
from training.sources.snapshot import expected_columns, is_sample, metadata, sample_tables, snapshot_hash, write_table

SOURCES = Path("data/sources")
"""One file per scorecard that names its source; DVC and make watch the folder."""


def source_variable(scorecard: str) -> str:
    """Return the environment variable that names the scorecard's source."""
    return f"SCOREBOX_SOURCE_{scorecard.upper()}"


def remember_source(scorecard: str, location: str | None, *, sample: bool = False) -> str | None:
    """Set the source for later runs: a location, or sample data; by neither, the source in force.

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
    """Return the source in force: the environment's, else the remembered one; None for sample data."""
    if location := os.environ.get(source_variable(scorecard)):
        return location
    path = SOURCES / scorecard
    remembered = path.read_text().strip() if path.exists() else SAMPLE
    return None if remembered == SAMPLE else remembered


def ingest(
    scorecard: Scorecard,
    workspace: Workspace,
    location: str | None,
    sample_rows: int,
    tell: Tell,
    note: Callable[[str], None] = lambda line: None,
) -> IngestionSummary:
    """Write the raw snapshot and the summary; `location` None makes sample data.

    The snapshot is made aside and put in place when it is whole, so a failure leaves the old one. `note` is told of the
    way in which a file is read, where that says anything.

    Raises:
        DataError: the source cannot be read or is not what is published, or is the snapshot itself.
    """
    if location is not None and Path(location).resolve().is_relative_to(workspace.raw.resolve()):
        raise DataError(f"{location} is in the snapshot that this run replaces: {workspace.raw}")
    shutil.rmtree(workspace.incoming, ignore_errors=True)  # of a run that was killed
    try:
        if location is None:
            summary = _ingest_sample(scorecard, workspace.incoming / "raw", sample_rows)
        else:
            summary = _ingest_location(scorecard, workspace.incoming, location, tell, note)
        replace_folder(workspace.incoming / "raw", workspace.raw)
    finally:
        shutil.rmtree(workspace.incoming, ignore_errors=True)
    write_atomically(workspace.ingestion, summary.model_dump_json(indent=2) + "\n")
    return summary


def _ingest_sample(scorecard: Scorecard, folder: Path, rows: int) -> IngestionSummary:
    files = [
        IngestedFile(
            name=SAMPLE,
            table=table.table,
            format="csv",
            bytes=table.size,
            sha256=table.source_sha256,
            verified=False,
            rows=table.rows,
            columns=table.columns,
            modified_at=None,
            table_sha256=table.sha256,
        )
        for table in sample_tables(scorecard, rows, folder)
    ]
    return _summary(scorecard, SAMPLE, "sample", None, files)


def _ingest_location(
    scorecard: Scorecard, incoming: Path, location: str, tell: Tell, note: Callable[[str], None]
) -> IngestionSummary:
    fetched = fetch(scorecard, location, incoming / "fetched", tell)
    snapshot = snapshot_hash({file.published.table: file.sha256 for file in fetched.files})
    sample = any(is_sample(file) for file in fetched.files)
    files = []
    for file in fetched.files:
        tell(f"{file.published.table}, to Parquet", 0, None)
        expected = expected_columns(scorecard, file.published)
        table = write_table(file, incoming / "raw", metadata(snapshot, sample=sample), expected)
        for sentence in table.notes:
            note(f"{file.name}: {sentence}")
        tell(f"{file.published.table}, to Parquet", file.size, file.size)
        if file.path.is_relative_to(incoming):
            file.path.unlink()  # the room on the disk for the next table
        files.append(
            IngestedFile(
                name=file.name,
                table=table.table,
                format=file.format,
                bytes=file.size,
                sha256=file.sha256,
                verified=file.verified,
                rows=table.rows,
                columns=table.columns,
                modified_at=file.modified.isoformat(timespec="seconds") if file.modified else None,
                table_sha256=table.sha256,
            )
        )
    return _summary(scorecard, fetched.shown, fetched.form, None if sample else fetched.source, files)


def _summary(
    scorecard: Scorecard, shown: str, form: Form, source: Source | None, files: list[IngestedFile]
) -> IngestionSummary:
    """Return the summary; `source` None for sample data."""
    return IngestionSummary(
        scorecard=scorecard.name,
        source=shown,
        form=form,
        sample_data=source is None,
        title=source.title if source else "SAMPLE DATA, made up by Scorebox",
        licence=source.licence if source else "none needed",
        citation=source.citation if source else "none needed",
        files=files,
        total=IngestionTotal(
            files=len(files), bytes=sum(file.bytes for file in files), rows=sum(file.rows for file in files)
        ),
        snapshot_sha256=snapshot_hash({file.table: file.sha256 for file in files}),
        ingested_at=now_to_the_second(),
    )
