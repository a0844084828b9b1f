"""Stage compare: champion and challenger on the applications that both have scored, from the journal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel

from pipelines.artifacts import read_present_challenge
from pipelines.params import Params
from pipelines.workspace import Workspace
from scoring.application import FieldRule
from scoring.files import write_atomically
from scoring.journal.reader import JournalReader
from scoring.models import Release
from scoring.moment import as_decision_id, now_to_the_second
from scoring.outcomes.store import FILE, Outcomes
from scoring.scorecard import Scorecard
from scoring.tables.batches import whole
from scoring.tables.columns import UnfitColumnError, read_column
from scoring.tables.header import Expected
from scoring.tables.places import place
from scoring.tables.table_file import open_table
from scoring.tables.texts import is_text
from training.errors import StageError
from training.evaluation.intervals import format_estimate
from training.evaluation.plots import draw_comparison
from training.markdown import table
from training.monitoring.comparison import Comparison, compare_models, verdict

OUTCOME_COLUMNS = ["decision_id", "defaulted"]
LABEL = FieldRule("defaulted", "defaulted", "integer", required=True, minimum=0, maximum=1)


class Compared(BaseModel):
    """Two models on the same applications: `monitoring/compare.json`."""

    scorecard: str
    made_at: str
    champion: str
    challenger: str
    since: str | None
    until: str | None
    by_challenger: int
    """Applications that the challenger decided while the champion looked on; the others are the reverse."""
    verdict: str
    comparison: Comparison


def run(
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    journal: Path,
    *,
    since: str | None = None,
    until: str | None = None,
    outcomes: Path | None = None,
) -> Compared:
    """Write `compare.json`, `compare.md` and `compare.png`, and return the first.

    Args:
        scorecard: the product.
        workspace: where they go.
        params: resamples and seed.
        journal: its folder.
        since: the earliest time of a decision, ISO 8601 in UTC; a date stands for its first moment.
        until: the time, in the same form, before which decisions were made.
        outcomes: CSV or Parquet with decision_id and defaulted, 0 or 1; else the outcomes next to the journal.

    Raises:
        JournalError: the journal cannot be read.
        StageError: no application was scored by both, or the outcomes are not what they should be.
        ModelStoreError: there is no release, or the challenge cannot be read.
    """
    champion = set(Release.read(workspace.release).tags.values())
    found = read_present_challenge(scorecard, workspace, journal)
    rows = _scored_by_both(journal, since, until, champion, found.challenge.model if found else None)
    if rows.empty:
        raise StageError(
            f"the journal {journal} has no application of that time that champion and challenger have both scored"
        )
    known = _known(journal) if outcomes is None else _read_labels(outcomes)
    labels: NDArray[np.float64] = np.asarray(rows["decision_id"].map(known), dtype=np.float64)
    comparison = compare_models(
        rows["champion"].to_numpy(),
        rows["challenger"].to_numpy(),
        {"champion": rows["champion_declined"].to_numpy(), "challenger": rows["challenger_declined"].to_numpy()},
        labels,
        resamples=params.profile(workspace.profile).bootstrap_resamples,
        seed=params.scorecard(scorecard.name).seed,
    )
    last = rows.iloc[-1]
    compared = Compared(
        scorecard=scorecard.name,
        made_at=now_to_the_second(),
        champion=last["champion_model"],
        challenger=last["challenger_model"],
        since=since,
        until=until,
        by_challenger=int(rows["by_challenger"].sum()),
        verdict=verdict(comparison),
        comparison=comparison,
    )
    picture = workspace.comparison.with_suffix(".png")
    title = f"{scorecard.name}: PD of the same applications"
    draw_comparison(picture, title, rows["champion"].to_numpy(), rows["challenger"].to_numpy(), float(last["cutoff"]))
    write_atomically(workspace.comparison.with_suffix(".md"), _page(compared, picture.name))
    write_atomically(workspace.comparison, compared.model_dump_json(indent=2) + "\n")
    return compared


def _scored_by_both(
    journal: Path, since: str | None, until: str | None, champion: set[str], challenger: str | None
) -> pd.DataFrame:
    """Return one row for each application; without a challenge that of the model that last met the champion."""
    reader = JournalReader(journal)
    decisions = {record.decision_id: record for record in reader.decisions(since=since, until=until)}
    rows = []
    for other in reader.challenges():
        decision = decisions.get(other.decision_id)
        if decision is None:
            continue
        by_challenger = other.basis.model in champion
        first, second = (other, decision) if by_challenger else (decision, other)
        if first.basis.model in champion and first.basis.model != second.basis.model:
            rows.append(
                (
                    other.decision_id, first.basis.model, second.basis.model, by_challenger, decision.basis.cutoff,
                    first.pd, second.pd, first.declined, second.declined,
                )
            )  # fmt: skip
    columns = [
        "decision_id", "champion_model", "challenger_model", "by_challenger", "cutoff",
        "champion", "challenger", "champion_declined", "challenger_declined",
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    if found.empty:
        return found
    return found[found["challenger_model"] == (challenger or found["challenger_model"].iloc[-1])]


def _known(journal: Path) -> dict[str, int]:
    """Return the labels that were recorded next to the journal, by decision id."""
    return Outcomes(journal).labels() if (journal / FILE).exists() else {}


def _read_labels(path: Path) -> dict[str, int]:
    """Read the labels in a file, by decision id.

    Raises:
        DataError: it cannot be read.
        StageError: it lacks a column, a label is neither 0 nor 1, or a decision is there twice.
    """
    file = open_table(place(str(path)), Expected("outcomes", {name: name for name in OUTCOME_COLUMNS}))
    if missing := [column for column in OUTCOME_COLUMNS if column not in file.schema.names]:
        raise StageError(f"{path} has no column {', '.join(missing)}")
    names: list[str | None] = []
    labels: list[float] = []
    wrong = 0
    for batch in whole(file.read(OUTCOME_COLUMNS)):
        decisions, defaulted = batch.table.columns
        try:
            read = read_column(LABEL.column, defaulted, LABEL, optional=False, as_text=batch.as_text, booleans=True)
        except UnfitColumnError as error:
            raise StageError(f"{path}: {error}") from None
        if not is_text(decisions.type):
            raise StageError(f"{path}: decision_id: Column should hold text")
        wrong += len(read.values) - int(np.count_nonzero(read.passed))
        names += [name and as_decision_id(name) for name in decisions.to_pylist()]
        labels += read.values.tolist()
    if wrong:
        raise StageError(f"{path}: defaulted must be 0 or 1, and is not in {wrong:,} rows")
    found = {name: int(label) for name, label in zip(names, labels, strict=True) if name is not None}
    if repeated := len(names) - len(found):
        raise StageError(f"{path}: {repeated:,} rows repeat a decision_id, or have none")
    return found


def _page(compared: Compared, picture: str) -> str:
    found = compared.comparison
    rate, pds, shift = found.approval_rate, found.mean_pd, found.pd_shift
    ranks = "–" if found.rank_correlation is None else f"{found.rank_correlation:.4f}"
    rows = [
        [
            "approval rate",
            f"{rate['champion']:.2%}",
            f"{rate['challenger']:.2%}",
            f"{100 * (rate['challenger'] - rate['champion']):+.2f} points",
        ],
        ["mean PD", f"{pds['champion']:.4f}", f"{pds['challenger']:.4f}", f"{shift['mean']:+.4f}"],
    ]
    outcomes = []
    if (matured := found.matured) is not None:
        names = {"auc": "AUC", "ks": "KS", "brier": "Brier score"}
        rows += [
            [
                name,
                f"{matured.champion[key]:.4f}",
                f"{matured.challenger[key]:.4f}",
                format_estimate(matured.difference[key], "+.4f"),
            ]
            for key, name in names.items()
        ]
        outcomes = [f"{matured.applications:,} outcomes, {matured.defaults:,} defaults; intervals of 95 %.", ""]
    lines = [
        f"# {compared.scorecard}: champion and challenger",
        "",
        f"{compared.verdict[0].upper()}{compared.verdict[1:]}.",
        "",
        f"`{compared.challenger}` next to `{compared.champion}` on {found.applications:,} applications, of which the "
        f"challenger decided {compared.by_challenger:,}; made {compared.made_at}.",
        "",
        table(["", "champion", "challenger", "difference"], rows),
        *outcomes,
        f"- {found.flips.share:.2%} of decisions differ: {found.flips.to_decline:,} approvals become declines, "
        f"{found.flips.to_approve:,} declines become approvals.",
        f"- PSI of the PDs {found.psi:.4f}, rank correlation {ranks}.",
        "- PD of the same application, challenger less champion: "
        + ", ".join(f"{float(name):.0%} below {value:+.4f}" for name, value in shift.items() if name != "mean")
        + ".",
        "",
        f"![PDs of both]({picture})",
    ]
    return "\n".join(lines) + "\n"
