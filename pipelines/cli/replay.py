"""Replay of decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from pipelines.cli.console import console, print_line, steps
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import DecisionIds, ScorecardName, Since, Until
from pipelines.cli.tables import AsJson, Column, print_json, print_table
from pipelines.journal.replay import Finding, Replay, places_of, sample_of
from pipelines.journal.replay import replay as run
from pipelines.watch.current_rows import utc
from scoring.files import refuse_overwrite, write_atomically
from scoring.journal.reader import JournalReader
from scoring.scorecards import load
from training.errors import StageError

SHOWN = 20
"""Findings that go to the window; the rest is in the file."""


def replay(
    scorecard: ScorecardName,
    decision_ids: DecisionIds = None,
    since: Since = None,
    until: Until = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Replay only this many, drawn by a fixed seed.")] = None,
    journal: JournalFolder = None,
    out: Annotated[Path | None, typer.Option(help="Where the report goes, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute decisions from the journal alone and compare the bits; all of them, if none are named."""
    if decision_ids and (since, until, sample) != (None, None, None):
        raise StageError("--since, --until and --sample choose decisions, so no ids stand next to them")
    reader = JournalReader(journal_folder(scorecard, journal))
    if decision_ids:
        places: list[int] | range = places_of(reader, decision_ids)
    else:
        places = reader.span(since=utc(since), until=utc(until))
        if sample is not None:
            places = sample_of(places, sample)
    if out is not None:
        refuse_overwrite(out, reader.folder)
    began = datetime.now(UTC)
    with steps(len(places)) as advance:
        report = run(load(scorecard), reader, places, lambda rows: advance("replay", rows))
    if out is not None:
        write_atomically(out, report.model_dump_json(indent=2) + "\n")
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    seconds = (datetime.now(UTC) - began).total_seconds()
    print_line("replay", f"{report.decisions:,} decisions in {seconds:,.1f} s" + (f": {out}" if out else ""))
    if not report.holds:
        bad = sum(count for verdict, count in report.verdicts.items() if not verdict.is_good)
        raise StageError(f"{bad:,} of {report.decisions:,} decisions of {scorecard} are not as the journal says")


def _print_report(report: Replay) -> None:
    print_table(
        f"{report.scorecard}: {report.journal}",
        ["verdict", Column("decisions", is_number=True)],
        [
            (Text(verdict.value, style="green" if verdict.is_good else "bold red"), f"{count:,}")
            for verdict, count in report.verdicts.items()
        ],
    )
    bad = [finding for finding in report.findings if not finding.verdict.is_good]
    for finding in bad[:SHOWN]:
        console.print(f"[bold red]{finding.verdict.value}[/] {escape(_described(finding))}", soft_wrap=True)
    if len(bad) > SHOWN:
        print_line("replay", f"and {len(bad) - SHOWN:,} more; --out FILE.json has them all")
    for other in report.other_runtimes:
        recorded = ", ".join(f"{name} {version}" for name, version in other.recorded.items())
        here = ", ".join(f"{name} {report.runtime.get(name)}" for name in other.recorded)
        print_line("replay", f"{other.decisions:,} decisions were made by another runtime: {recorded}; here {here}")


def _described(finding: Finding) -> str:
    place = (
        f"{finding.sequence:,}"
        if finding.sequence == finding.through
        else f"{finding.sequence:,} to {finding.through:,}"
    )
    name = "" if finding.decision_id is None else f" {finding.decision_id}"
    differences = [
        f"{what} {difference.recorded} in the journal, {difference.replayed} replayed"
        for what, difference in finding.differences.items()
    ]
    return "; ".join(filter(None, [f"{place}{name}", finding.detail, *differences]))
