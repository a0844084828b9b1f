"""Decisions scored, judged and explained once more, beside what the journal holds of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from scoring.decision import Basis, Judge
from scoring.graph import Inputs
from scoring.journal.record import FLOATS, DecisionRecord
from scoring.models import StoredModel
from scoring.scorecard import Scorecard


class Difference(BaseModel):
    """What the journal says and what was recomputed; of numbers also the bits."""

    recorded: str
    replayed: str


def compare(
    scorecard: Scorecard, model: StoredModel, basis: Basis, records: Sequence[DecisionRecord]
) -> list[dict[str, Difference]]:
    """For each decision of one basis, none of them erased, what is not as it was; contributions where there are any."""
    inputs = _inputs(model, records)
    pd = model.graph.score(inputs)
    judge = Judge(scorecard, basis.cutoff)
    verdicts = judge.judge(pd)
    found: list[dict[str, Difference]] = [{} for _ in records]
    bands = [judge.bands[band] for band in verdicts.bands.tolist()]
    recorded = np.array([record.pd for record in records], dtype=FLOATS)
    for row in np.flatnonzero(_bits(recorded) != _bits(pd)).tolist():
        found[row]["pd"] = Difference(recorded=_shown(recorded[row]), replayed=_shown(pd[row]))
    for row, record in enumerate(records):
        for name, before, after in (
            ("declined", record.declined, bool(verdicts.declined[row])),
            ("points", record.points, int(verdicts.points[row])),
            ("band", record.band, bands[row]),
        ):
            if before != after:
                found[row][name] = Difference(recorded=str(before), replayed=str(after))
    explained = np.array(
        [row for row, record in enumerate(records) if record.contributions is not None], dtype=np.int64
    )
    if not len(explained):
        return found
    explanation = model.explainer.explain(inputs[explained], model.explainer.reference_for(basis.cutoff))
    for row, values, principal in zip(
        explained.tolist(), explanation.contributions, explanation.principal, strict=True
    ):
        record = records[row]
        before = record.contributions
        assert before is not None
        for group in np.flatnonzero(_bits(before) != _bits(values)).tolist():
            difference = Difference(recorded=_shown(before[group]), replayed=_shown(values[group]))
            found[row][f"contribution of {basis.groups[group]}"] = difference
        reasons = tuple(basis.groups[group] for group in principal) if verdicts.declined[row] else ()
        if reasons != record.reasons:
            found[row]["reasons"] = Difference(recorded=" ".join(record.reasons), replayed=" ".join(reasons))
    return found


def _inputs(model: StoredModel, records: Sequence[DecisionRecord]) -> Inputs:
    """What the graph read: numbers as they are in the journal, texts from the applications."""
    content = b"".join(record.inputs or b"" for record in records)
    numeric = np.frombuffer(content, dtype=FLOATS).reshape(len(records), len(model.graph.numeric_columns))
    if not model.graph.text_columns:
        return Inputs(numeric)
    text = np.empty((len(records), len(model.graph.text_columns)), dtype=object)
    for row, record in enumerate(records):
        values = record.values
        text[row] = [values.get(column) or "" for column in model.graph.text_columns]
    return Inputs(numeric, text)


def _bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(values, dtype=FLOATS).view(np.uint32)


def _shown(value: np.float32) -> str:
    return f"{value:.9g} (0x{int(np.float32(value).view(np.uint32)):08x})"
