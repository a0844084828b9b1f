"""Stage ingest: a source to a raw snapshot and a summary of where it came from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipelines.artifacts import IngestedFile, IngestionSummary, IngestionTotal
from pipelines.stages.prepare import Check, ContractViolatedError, check_raw
from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.files import replace_folder, write_atomically
from scoring.models import DATA_LABELS, DataKind
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard, Source
from training.sources import SAMPLE, Form
from training.sources.fetch import Tell, fetch
from training.sources.snapshot import expected_columns, is_sample, metadata, sample_tables, snapshot_hash, write_table

SOURCES = Path("data/sources")
"""One file per scorecard that names its source; DVC and make watch the folder."""


class _Description(NamedTuple):
    """The lines of a summary that say which data they are."""

    kind: DataKind
    title: str
    licence: str
    citation: str


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
    *,
    published: bool = False,
    check: Check = check_raw,
) -> IngestionSummary:
    """Write the raw snapshot and the summary.

    The snapshot is made aside and put in place when it is whole and holds the contract, so a failure leaves the old
    one. What a published hash vouches for is not checked twice: `validate` does it.

    Args:
        scorecard: the product.
        workspace: where both go.
        location: of the data; None makes sample data.
        sample_rows: how many rows of those.
        tell: told of progress.
        note: told of the way in which a file is read, where that says anything.
        published: whether each file must be the published one, by its hash and its rows.
        check: gives the verdict of the contract on the tables in a folder; the second folder is for what it spills.

    Raises:
        DataError: the source cannot be read or is not what it must be, or is the snapshot itself.
        ContractViolatedError: the tables break the contract.
        CannotWriteError: the workspace cannot be written to.
    """
    if location is not None and Path(location).resolve().is_relative_to(workspace.raw.resolve()):
        raise DataError(f"{location} is in the snapshot that this run replaces: {workspace.raw}")
    shutil.rmtree(workspace.incoming, ignore_errors=True)  # of a run that was killed
    try:
        if location is None:
            summary = _ingest_sample(scorecard, workspace.incoming / "raw", sample_rows)
        else:
            summary = _ingest_location(scorecard, workspace.incoming, location, tell, note, published=published)
            if not summary.published:
                report = check(scorecard, workspace.incoming / "raw", workspace.incoming)
                if not report.holds:
                    raise ContractViolatedError(report, f"{summary.source} is not taken in, the snapshot is as it was")
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
    return _summary(scorecard, SAMPLE, "sample", _described(scorecard.sources[0], "sample"), files)


def _ingest_location(
    scorecard: Scorecard,
    incoming: Path,
    location: str,
    tell: Tell,
    note: Callable[[str], None],
    *,
    published: bool,
) -> IngestionSummary:
    fetched = fetch(scorecard, location, incoming / "fetched", tell, published=published)
    snapshot = snapshot_hash({file.published.table: file.sha256 for file in fetched.files})
    kind: DataKind = "published" if fetched.is_published else "own"
    if any(is_sample(file) for file in fetched.files):
        kind = "sample"
    files = []
    for file in fetched.files:
        tell(f"{file.published.table}, to Parquet", 0, None)
        expected = expected_columns(scorecard, file.published)
        table = write_table(file, incoming / "raw", metadata(snapshot, kind), expected, published=published)
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
    return _summary(scorecard, fetched.shown, fetched.form, _described(fetched.source, kind), files)


def _described(source: Source, kind: DataKind) -> _Description:
    """Return what the summary says of the data: a published data set's title, licence and citation are its alone."""
    if kind == "sample":
        return _Description(kind, "SAMPLE DATA, made up by Scorebox", "none needed", "none needed")
    if kind == "published":
        return _Description(kind, source.title, source.licence, source.citation)
    if any(file.sha256 for file in source.files):
        return _Description(kind, DATA_LABELS[kind], "its owner's", "none")
    # The scorecard's own declaration is all there is.
    title = f"{source.title}, as the scorecard declares it, unverified"
    return _Description(kind, title, source.licence, source.citation)


def _summary(
    scorecard: Scorecard, shown: str, form: Form, described: _Description, files: list[IngestedFile]
) -> IngestionSummary:
    return IngestionSummary(
        scorecard=scorecard.name,
        source=shown,
        form=form,
        sample_data=described.kind == "sample",
        published=described.kind == "published",
        title=described.title,
        licence=described.licence,
        citation=described.citation,
        files=files,
        total=IngestionTotal(
            files=len(files), bytes=sum(file.bytes for file in files), rows=sum(file.rows for file in files)
        ),
        snapshot_sha256=snapshot_hash({file.table: file.sha256 for file in files}),
        ingested_at=now_to_the_second(),
    )
