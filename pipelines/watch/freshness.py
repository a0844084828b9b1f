"""How old the feeds of a raw snapshot are, by its ingestion summary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from pipelines.artifacts import IngestedFile, IngestionSummary, read_summary
from pipelines.params import Freshness
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.scorecard import Scorecard

FreshnessStatus = Literal["fresh", "stale", "missing"]
SECONDS_A_DAY = 86_400


class FeedFreshness(BaseModel):
    """One table of the snapshot."""

    feed: str
    verdict: FreshnessStatus
    age_days: float | None
    limit_days: float | None
    """None for what cannot grow stale: a file with its published hash, and sample data."""
    counted_from: str
    """The moment that the age counts from, or why there is no limit or no feed."""


class FreshnessReport(BaseModel):
    """All feeds; the verdict is the worst of theirs."""

    scorecard: str
    source: str | None
    verdict: FreshnessStatus
    feeds: list[FeedFreshness]
    checked_at: str


def freshness(scorecard: Scorecard, workspace: Workspace, limits: Freshness) -> FreshnessReport:
    """Write and return the age of each feed, counted from its change at the source, else from its ingestion.

    Raises:
        StageError: the ingestion summary is damaged.
    """
    now = datetime.now(UTC)
    summary = read_summary(workspace)
    taken_in = {file.table: file for file in summary.files} if summary else {}
    feeds = []
    for table in _expected(scorecard, summary):
        file = taken_in.get(table)
        if summary is None or file is None or not workspace.raw_table(table).exists():
            why = "never taken in" if file is None else "its file is gone from the snapshot"
            feeds.append(
                FeedFreshness(
                    feed=table, verdict="missing", age_days=None, limit_days=limits.max_age_days, counted_from=why
                )
            )
        else:
            feeds.append(_judge_feed(file, summary, limits, now))
    verdicts = {feed.verdict for feed in feeds}
    report = FreshnessReport(
        scorecard=scorecard.name,
        source=summary.source if summary else None,
        verdict="missing" if "missing" in verdicts else "stale" if "stale" in verdicts else "fresh",
        feeds=feeds,
        checked_at=now.isoformat(timespec="seconds"),
    )
    write_atomically(workspace.freshness, report.model_dump_json(indent=2) + "\n")
    return report


def _expected(scorecard: Scorecard, summary: IngestionSummary | None) -> list[str]:
    """Return the tables of what was taken in, which is always a whole data set; before that, of the first one."""
    return [file.table for file in (summary.files if summary else scorecard.sources[0].files)]


def _judge_feed(file: IngestedFile, summary: IngestionSummary, limits: Freshness, now: datetime) -> FeedFreshness:
    limit: float | None = limits.max_age_days
    counted_from = "change at the source" if file.modified_at else "ingestion"
    if file.verified or summary.sample_data:
        limit = None
        counted_from += "; published file, by its hash" if file.verified else "; sample data"
    changed = datetime.fromisoformat(file.modified_at or summary.ingested_at)
    age = max((now - changed).total_seconds() / SECONDS_A_DAY, 0.0)  # clocks differ
    return FeedFreshness(
        feed=file.table,
        verdict="fresh" if limit is None or age <= limit else "stale",
        age_days=round(age, 3),
        limit_days=limit,
        counted_from=counted_from,
    )
