"""How old the feeds are: by their change at the source, against the limit in params.yaml."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.params import Freshness
from pipelines.stages.ingest import ingest
from pipelines.watch.freshness import FreshnessReport, freshness
from pipelines.workspace import Workspace
from tests.conftest import Project
from tests.pipelines.conftest import Run
from tests.pipelines.stages.feeds import CARD, ONE_FILE, take_in, write_tables, written
from training.errors import StageError

DAY = 86_400
LIMITS = Freshness(max_age_days=30)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace("toy", "full", tmp_path / "artifacts")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The three files, 100 days old; `payments.csv` is the one without a published hash."""
    folder = write_tables(tmp_path / "tables")
    for path in folder.iterdir():
        age(path, 100)
    return folder


def age(path: Path, days: float) -> None:
    changed = time.time() - days * DAY
    os.utime(path, (changed, changed))


def verdicts(report: FreshnessReport) -> dict[str, str]:
    return {feed.feed: feed.verdict for feed in report.feeds}


def rewrite(workspace: Workspace, change: Any) -> None:
    summary = written(workspace)
    change(summary)
    workspace.ingestion.write_text(json.dumps(summary))


def test_a_feed_older_than_its_limit_is_stale_and_a_published_file_never_is(workspace: Workspace, tables: Path) -> None:
    take_in(workspace, tables)
    report = freshness(CARD, workspace, LIMITS)
    assert verdicts(report) == {"clients": "fresh", "payments": "stale", "codes": "fresh"}
    clients, payments, _ = report.feeds
    assert (clients.limit_days, clients.counted_from) == (None, "change at the source; published file, by its hash")
    assert (payments.limit_days, payments.counted_from) == (30, "change at the source")
    assert payments.age_days == pytest.approx(100, abs=0.1)
    assert report.verdict == "stale"
    assert json.loads(workspace.freshness.read_text()) == report.model_dump()


def test_a_feed_younger_than_its_limit_is_fresh(workspace: Workspace, tables: Path) -> None:
    age(tables / "payments.csv", 29)
    take_in(workspace, tables)
    assert freshness(CARD, workspace, LIMITS).verdict == "fresh"


def test_a_source_without_times_counts_from_its_ingestion(workspace: Workspace, tables: Path) -> None:
    take_in(workspace, tables)

    def without_time(summary: Any) -> None:
        for file in summary["files"]:
            file["modified_at"] = None

    rewrite(workspace, without_time)
    payments = freshness(CARD, workspace, LIMITS).feeds[1]
    assert (payments.verdict, payments.counted_from) == ("fresh", "ingestion")

    def taken_in_long_ago(summary: Any) -> None:
        summary["ingested_at"] = "2020-01-01T00:00:00+00:00"

    rewrite(workspace, taken_in_long_ago)
    assert freshness(CARD, workspace, LIMITS).feeds[1].verdict == "stale"


def test_a_feed_that_is_not_there_is_missing(workspace: Workspace, tables: Path) -> None:
    never = freshness(CARD, workspace, LIMITS)
    assert verdicts(never) == dict.fromkeys(("clients", "payments", "codes"), "missing")
    assert (never.verdict, never.feeds[0].counted_from) == ("missing", "never taken in")
    take_in(workspace, tables)
    workspace.raw_table("clients").unlink()
    report = freshness(CARD, workspace, LIMITS)
    assert verdicts(report) == {"clients": "missing", "payments": "stale", "codes": "fresh"}
    assert report.verdict == "missing"


def test_sample_data_do_not_age(workspace: Workspace) -> None:
    card = replace(CARD, sources=(ONE_FILE,))
    ingest(card, workspace, None, 1_000, lambda what, more, total: None)
    (feed,) = freshness(card, workspace, LIMITS).feeds
    assert (feed.verdict, feed.limit_days, feed.counted_from) == ("fresh", None, "ingestion; sample data")


def test_a_damaged_summary_is_named(workspace: Workspace, tables: Path) -> None:
    take_in(workspace, tables)
    workspace.ingestion.write_text("{")
    with pytest.raises(StageError, match=r"ingestion_summary\.json is damaged: .*; ingest again"):
        freshness(CARD, workspace, LIMITS)


def test_the_command_fails_only_if_asked_to(scorebox: Run, project: Project) -> None:
    code, printed = scorebox("freshness", "card_default")
    assert code == 0
    assert "applications │ missing │ – │ 30 │ never taken in" in printed
    assert scorebox("freshness", "card_default", "--fail")[0] == 1
    assert (project.folder / "artifacts" / "full" / "card_default" / "reports" / "data_freshness.json").exists()
