"""Journals of made-up decisions whose outcomes are known, for tests of performance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scoring.decision import Basis
from scoring.decision_rules import DecisionRules
from scoring.journal.origin import RequestOrigin
from scoring.journal.writer import Journal
from scoring.scorecards import load
from tests.scoring.journal import made_up

CARD = load("card_default")
MATURED_ON = "2026-09-30"


def draw_pds(rows: int, seed: int = 11) -> NDArray[np.float32]:
    """PDs like a portfolio's, one default in five."""
    return np.random.default_rng(seed).beta(1, 4, rows).astype(np.float32)


def draw_labels(pds: NDArray[np.float32], seed: int = 12) -> NDArray[np.int64]:
    """A label for each PD, drawn by it."""
    drawn: NDArray[np.int64] = (np.random.default_rng(seed).random(len(pds)) < pds).astype(np.int64)
    return drawn


def journal_of(
    folder: Path, pds: NDArray[np.float32], months: Sequence[str] = ("2026-01",), basis: Basis = made_up.BASIS
) -> list[str]:
    """Appends a decision for each PD to a journal, the months one after the other, and gives their ids."""
    rules = DecisionRules(CARD, basis.cutoff)
    journal = Journal(folder)
    journal.open()
    names: list[str] = []
    for month, part in zip(months, np.array_split(pds, len(months)), strict=True):
        decided = rules.apply(part)
        made = made_up.decisions(part.tolist(), basis, f"{month}-15T12:00:00.000+00:00")
        made = replace(made, bands=[rules.bands[band] for band in decided.bands])
        values = part.tolist()
        origins = [RequestOrigin(len(part), "request-1")]
        journal.append(made, made_up.inputs(values), made_up.applications(values), origins)
        names += made.decision_ids
    journal.close()
    return names


def write_csv(path: Path, names: Sequence[str], labels: Sequence[int], observed_on: str = MATURED_ON) -> Path:
    """A file of outcomes."""
    rows = [f"{name},{label},{observed_on}" for name, label in zip(names, labels, strict=True)]
    path.write_text("\n".join(["decision_id,defaulted,observed_on", *rows, ""]))
    return path
