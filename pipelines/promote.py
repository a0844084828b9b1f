"""Promotion and rollback: which registered version is champion, and the release that follows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from pipelines.errors import StageError
from pipelines.ingest import SAMPLE
from pipelines.params import PromotionLimits, ScorecardParams
from pipelines.push import file_sha256
from pipelines.registry import CHALLENGER, CHAMPION, Journal, Registered, Registry
from pipelines.train import raw_matrix
from pipelines.verify import Figures, figures, variant_checks
from pipelines.workspace import Workspace
from scoring import models
from scoring.decision import Variant
from scoring.files import write_atomically
from scoring.models import ModelStoreError, Release, StoredModel
from scoring.scorecard import Scorecard
from training.checks import Check, at_least, at_most, failed
from training.data import read_parquet
from training.errors import DataError
from training.family import Labels
from training.metrics import PDs

ROLLED_BACK = "rolled back"
"""How the tag `promotion` of a version begins that a rollback took from the champion's place."""


class Contender(BaseModel):
    """One side of the comparison: a version, and its figures on the candidate's test rows."""

    version: int
    model: str
    data: str
    figures: Figures


class Promotion(BaseModel):
    """The verdict on one candidate: `reports/promotion.json`."""

    scorecard: str
    candidate: Contender
    champion: Contender | None
    """None when the scorecard has none yet."""
    rows: int
    rows_sha256: str
    comparison: str
    """How fair the comparison is: whether the champion was trained on some of the rows."""
    gates: dict[str, Check]
    promoted: bool
    decided_at: str


class Moved(NamedTuple):
    """The champion that serves now, what had to be repaired first, and the gates where they were judged."""

    champion: Registered | None
    repaired: list[str]
    promotion: Promotion | None = None


def promote(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams, number: int | None = None) -> Moved:
    """Judges the candidate, by default the challenger, and makes it champion if every gate holds.

    Writes `reports/promotion.json` in either case. A candidate that is the champion already stays so.

    Raises:
        StageError: there is no candidate, its test rows are not there, or it was rolled back and is
            not asked for by number.
    """
    registry = Registry(scorecard)
    repaired, _ = settle(registry, workspace)
    aliases = registry.aliases()
    chosen = number or aliases.get(CHALLENGER)
    if chosen is None:
        raise StageError(f"{scorecard.name} has no challenger; run: scorebox push {scorecard.name}")
    candidate = registry.version(chosen)
    champion = registry.version(aliases[CHAMPION]) if CHAMPION in aliases else None
    if champion and champion.number == candidate.number:
        _follow(registry, champion, workspace)
        _end_challenge(registry, champion)
        return Moved(champion, repaired)
    if number is None and candidate.tags.get("promotion", "").startswith(ROLLED_BACK):
        raise StageError(
            f"version {candidate.number} of {scorecard.name} was {candidate.tags['promotion']} and the champion stays; "
            f"if it may serve again: scorebox promote {scorecard.name} --version {candidate.number}"
        )
    promotion = judge(registry, scorecard, workspace, params, candidate, champion)
    write_atomically(workspace.reports / "promotion.json", promotion.model_dump_json(indent=2) + "\n")
    if not promotion.promoted:
        refusal = f"refused {promotion.decided_at}: {', '.join(failed(promotion.gates))}"
        registry.tag(candidate.number, "promotion", refusal)
        return Moved(champion, repaired, promotion)
    # An alias that was set by hand is a champion too.
    before = registry.journal().champions or ([champion.number] if champion else [])
    _move(registry, workspace, Journal(champions=[*before, candidate.number], unfinished="promotion"))
    registry.tag(candidate.number, "promotion", f"promoted {promotion.decided_at}")
    _end_challenge(registry, candidate)
    return Moved(candidate, repaired, promotion)


def rollback(scorecard: Scorecard, workspace: Workspace) -> Moved:
    """Makes the version before the champion the champion again.

    A rollback that was interrupted is finished, and no more than that.

    Raises:
        StageError: there is none before it.
    """
    registry = Registry(scorecard)
    repaired, finished = settle(registry, workspace)
    journal = registry.journal()
    if finished != "rollback":
        if len(journal.champions) < 2:
            raise StageError(f"{scorecard.name} has no champion before the present one")
        left = journal.champions[-1]
        journal = Journal(champions=journal.champions[:-1], unfinished="rollback")
        _move(registry, workspace, journal)
        registry.tag(left, "promotion", f"{ROLLED_BACK} {_now()}")
    return Moved(registry.version(journal.champions[-1]), repaired)


def settle(registry: Registry, workspace: Workspace) -> tuple[list[str], str | None]:
    """Finishes a move that was interrupted, and brings alias and release back to the journal's champion.

    Returns:
        What was repaired, and which move was finished, if one was.
    """
    journal = registry.journal()
    differences = find_differences(registry, workspace)
    if journal.unfinished:
        differences.insert(0, f"a {journal.unfinished} of version {journal.champions[-1]} was interrupted")
    if differences:
        _move(registry, workspace, journal)
    return differences, journal.unfinished


def find_differences(registry: Registry, workspace: Workspace) -> list[str]:
    """What disagrees among the journal, the alias and the release; empty when all is well."""
    journal = registry.journal()
    if not journal.champions:
        return []
    number = journal.champions[-1]
    alias = registry.aliases().get(CHAMPION)
    found = [] if alias == number else [f"the alias {CHAMPION} is at version {alias}, the journal says {number}"]
    try:
        release = Release.read(workspace.release)
    except ModelStoreError:
        release = None
    if release != registry.version(number).release:
        held = f"names {release.version}" if release else "cannot be read"
        found.append(f"{workspace.release} {held}, the champion is {registry.version(number).release.version}")
    return found


def judge(
    registry: Registry,
    scorecard: Scorecard,
    workspace: Workspace,
    params: ScorecardParams,
    candidate: Registered,
    champion: Registered | None,
) -> Promotion:
    """Candidate and champion on the candidate's test rows, gate by gate."""
    digest = file_sha256(workspace.test)
    if digest != candidate.tags["test_rows_sha256"]:
        raise StageError(
            f"{workspace.test} does not hold the test rows of version {candidate.number}; "
            f"run the stages that made it (profile {candidate.tags['profile']}) again"
        )
    test, _ = read_parquet(workspace.test)
    labels: Labels = test[scorecard.target].to_numpy()
    limits = params.promotion
    loaded = _load(registry, candidate)
    serving = loaded[candidate.release.serving]
    scores = {variant: _scores(stored, test) for variant, stored in loaded.items()}
    cutoff = serving.record.cutoff
    new = figures(scorecard, test, labels, scores[candidate.release.serving], cutoff)
    gates = {
        "verification": at_most(
            f"checks of scorebox verify: {candidate.tags['verification']}",
            0 if candidate.tags["verification"] == "holds" else 1,
            0,
        ),
        **variant_checks(scores, cutoff, serving.graph, test, limits),
    }
    before = None
    if champion:
        stored = _load(registry, champion)[champion.release.serving]
        old = figures(scorecard, test, labels, _scores(stored, test), stored.record.cutoff)
        before = _contender(champion, old)
        gates["data"] = at_most(
            f"a champion of {champion.tags['data']}, a candidate of {candidate.tags['data']}; sample data never win",
            float(serving.record.data.sample and not stored.record.data.sample),
            0,
        )
        if not _is_no_standard(candidate, champion):
            gates |= _relative_gates(new, old, limits)
    return Promotion(
        scorecard=scorecard.name,
        candidate=_contender(candidate, new),
        champion=before,
        rows=len(test),
        rows_sha256=digest,
        comparison=_comparison(candidate, champion),
        gates=gates,
        promoted=not failed(gates),
        decided_at=_now(),
    )


def _relative_gates(new: Figures, old: Figures, limits: PromotionLimits) -> dict[str, Check]:
    """The candidate's figures against the champion's, on the same rows."""
    return {
        "auc": at_least(
            f"AUC, at the lowest {limits.auc_tolerance:.1%} below the champion's",
            new.auc,
            old.auc * (1 - limits.auc_tolerance),
        ),
        "brier": at_most("Brier score", new.brier, old.brier + limits.brier_tolerance),
        "expected_calibration_error": at_most(
            "expected calibration error",
            new.expected_calibration_error,
            old.expected_calibration_error + limits.calibration_error_tolerance,
        ),
        **{
            f"approval_gap_{column}": at_most(
                f"approval-rate gap by {column}", gap, old.approval_gaps[column] + limits.approval_gap_tolerance
            )
            for column, gap in new.approval_gaps.items()
        },
    }


def _is_no_standard(candidate: Registered, champion: Registered) -> bool:
    return champion.tags["data"] == SAMPLE and candidate.tags["data"] != SAMPLE


def _comparison(candidate: Registered, champion: Registered | None) -> str:
    if champion is None:
        return "no champion to compare with"
    if _is_no_standard(candidate, champion):
        return "the champion is of SAMPLE DATA, no standard for a model of real data: only the absolute gates count"
    if champion.tags["test_rows_sha256"] == candidate.tags["test_rows_sha256"]:
        return "none of these rows were in the champion's training data: both have the same split"
    if champion.tags["data_sha256"] == candidate.tags["data_sha256"]:
        return "some of these rows were in the champion's training data, which flatters it: same data, another split"
    return (
        f"the champion was trained on other data ({champion.tags['data_sha256'][:12]}), "
        "which may hold some of these rows and would flatter it"
    )


def _contender(registered: Registered, measured: Figures) -> Contender:
    release = registered.release
    return Contender(
        version=registered.number,
        model=release.tags[release.serving],
        data=registered.tags["data"],
        figures=measured,
    )


def _load(registry: Registry, registered: Registered) -> dict[Variant, StoredModel]:
    registry.restore(registered)
    return {variant: models.load(tag) for variant, tag in registered.release.tags.items()}


def _scores(stored: StoredModel, rows: pd.DataFrame) -> PDs:
    missing = [column for column in stored.graph.columns if column not in rows]
    if missing:
        raise DataError(f"{stored.record.tag} reads columns that the test rows do not have: {', '.join(missing)}")
    return np.asarray(stored.graph.score(raw_matrix(rows, list(stored.graph.columns))))


def _move(registry: Registry, workspace: Workspace, journal: Journal) -> None:
    """Journal, then alias, then release: what is interrupted is found by `settle` and finished."""
    champion = registry.version(journal.champions[-1])
    registry.restore(champion)
    registry.write(journal)
    registry.point(CHAMPION, champion.number)
    _follow(registry, champion, workspace)
    registry.write(Journal(champions=journal.champions))


def _follow(registry: Registry, champion: Registered, workspace: Workspace) -> None:
    registry.restore(champion)
    champion.release.write(workspace.release)


def _end_challenge(registry: Registry, champion: Registered) -> None:
    if registry.aliases().get(CHALLENGER) == champion.number:
        registry.drop(CHALLENGER)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
