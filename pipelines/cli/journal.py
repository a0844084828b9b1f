"""The journal of decisions: its seals, one of its decisions, and erasure."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer
from rich.markup import escape

from pipelines.cli.console import console, print_line, steps
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import DecisionId, DecisionIds, ScorecardName
from pipelines.journal.proof import parse_head, prove
from scoring.journal.chain import Chain
from scoring.journal.erasure import begun
from scoring.journal.erasure import erase as erase_fields
from scoring.journal.reader import JournalReader
from scoring.journal.reasons import split_reason
from scoring.journal.record import DecisionRecord
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from scoring.sentences import Sentences
from training.errors import StageError


def verify(
    scorecard: ScorecardName,
    head: Annotated[
        str | None, typer.Option(metavar="SEQUENCE:PROOF", help="A head noted earlier: is it in the chain?")
    ] = None,
    journal: JournalFolder = None,
) -> None:
    """Check the seals of every record, without any model, and say the head of the chain."""
    reader = JournalReader(journal_folder(scorecard, journal))
    noted = None if head is None else parse_head(head)
    with steps(len(reader.span()) + len(reader.challenge_span())) as advance:
        proof = prove(reader, noted, lambda records: advance("verify", records))
    for kind in (proof.decisions, proof.challenges):
        erased = f", {kind.erased:,} of them erased" if kind.erased else ""
        print_line("verify", f"{kind.records:,} {kind.name}s from {kind.first:,} on{erased}")
    if proof.faults:
        raise StageError(f"the chain of {reader.folder} is broken: {'; '.join(proof.faults)}")
    print_line("verify", f"every seal holds{'' if head is None else ', and the head that was noted is in the chain'}")
    print_line("verify", "the head, to be kept elsewhere:")
    typer.echo(proof.head)


def erase(
    scorecard: ScorecardName,
    decision_ids: DecisionIds = None,
    applicant: Annotated[str | None, typer.Option(help="All decisions of the applicant of this id.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    journal: JournalFolder = None,
) -> None:
    """Take applicants' fields out of decisions for ever; that and how they were decided stays, and its proof."""
    if bool(decision_ids) is (applicant is not None):
        raise StageError("name either decisions or --applicant")
    reader = JournalReader(journal_folder(scorecard, journal))
    unfinished = begun(reader.folder)
    if applicant is not None:
        names = reader.of_applicant(applicant)
        if not names and not unfinished:
            raise StageError(f"{reader.folder} has no decision of this applicant that is not erased")
    else:
        asked = list(dict.fromkeys(decision_ids or []))
        there = reader.sequences_of(asked)
        for name in asked:
            if name not in there:
                print_line("erase", f"{name} is not in {reader.folder}")
        names = [name for name in asked if name in there]
        if not names and not unfinished:
            raise StageError("nothing was erased")
    question = f"Erase the applicant's fields of {len(names):,} decisions for ever?"
    if names and not yes and not typer.confirm(question, err=True):
        raise StageError("nothing was erased")
    done = set(erase_fields(reader.folder, names))
    for name in dict.fromkeys([*names, *unfinished]):
        print_line("erase", f"{name} {'erased' if name in done else 'was erased before'}")
    if unfinished:
        print_line("erase", "an erasure that had begun earlier is finished: no file of the journal holds its fields")
    if decision_ids and len(names) < len(set(decision_ids)):
        raise StageError("not every decision was found")


def show(
    scorecard: ScorecardName,
    decision_id: DecisionId,
    journal: JournalFolder = None,
) -> None:
    """Say of one decision what was decided, by what, why, and whether its seal holds."""
    reader = JournalReader(journal_folder(scorecard, journal))
    places = reader.sequences_of([decision_id])
    if not places:
        raise StageError(f"{reader.folder} has no decision {decision_id}")
    chain = Chain(reader)
    (link,) = chain.decisions(list(places.values()))
    fault = chain.fault(link)
    if link.record is None:
        raise StageError(f"decision {decision_id} cannot be read: somebody has changed its record")
    for line in _described(load(scorecard), link.record):
        console.print(escape(line), soft_wrap=True)
    if fault is not None:
        raise StageError(f"the seal of {decision_id} is broken: somebody has changed its record, or the one before")
    console.print("[green]Its seal holds.[/]")


def _described(card: Scorecard, record: DecisionRecord) -> list[str]:
    basis = record.basis
    outcome = "declined" if record.declined else "approved"
    sentences = Sentences(card)
    weights = {}
    if record.contributions is not None:
        weights = dict(zip(basis.groups, record.contributions.tolist(), strict=True))
    lines = [
        f"Decision {record.decision_id}, number {record.sequence:,} of the journal",
        f"Made {record.decided_at} for request {record.request_id}",
        f"{outcome.capitalize()}: PD {record.pd:.6g}, cut-off {basis.cutoff:g} by policy {basis.policy}; "
        f"{record.points} points, band {record.band}",
        f"Model {basis.model}, graph {basis.graph_sha256}",
    ]
    if record.thin:
        lines.append("Nothing was known of the applicant's history")
    lines += [
        f"Reason {number}: {reason}, {weights[code]:+.3f} log-odds. {sentences.of(code, statement)}"
        for number, reason in enumerate(record.reasons, 1)
        for code, statement in [split_reason(reason)]
    ]
    if record.erased:
        lines.append("The applicant's fields have been erased.")
    else:
        lines.append(f"The applicant's fields: {orjson.dumps(record.values).decode()}")
    return lines
