"""Decide once more, and compare with the journal, to the bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from scoring.decider import Decider
from scoring.decision import Basis
from scoring.graph import Inputs
from scoring.journal.reasons import join_reason
from scoring.journal.record import FLOATS, DecisionRecord
from scoring.models import StoredModel
from scoring.scorecard import Scorecard


class Difference(BaseModel):
    """The recorded value and the recomputed one; numbers with their bits."""

    recorded: str
    replayed: str


def recomputed_differences(
    scorecard: Scorecard, model: StoredModel, basis: Basis, records: Sequence[DecisionRecord]
) -> list[dict[str, Difference]]:
    """Decide again, and return for each record what differs from it, by name; nothing where all is the same.

    Args:
        scorecard: the product.
        model: the model of the basis.
        basis: the basis of all the records.
        records: decisions, none of them erased; contributions are computed where a record has some.
    """
    explained = np.array([record.contributions is not None for record in records], dtype=bool)
    made = Decider(scorecard, model, basis).decide(_inputs(model, records), explained, reasons=False)
    found: list[dict[str, Difference]] = [{} for _ in records]
    recorded = np.array([record.pd for record in records], dtype=FLOATS)
    for row in np.flatnonzero(_bits(recorded) != _bits(made.pd)).tolist():
        found[row]["pd"] = Difference(recorded=_shown(recorded[row]), replayed=_shown(made.pd[row]))
    for row, record in enumerate(records):
        for name, before, after in (
            ("declined", record.declined, bool(made.declined[row])),
            ("points", record.points, int(made.points[row])),
            ("band", record.band, made.bands[row]),
        ):
            if before != after:
                found[row][name] = Difference(recorded=str(before), replayed=str(after))
        if record.contributions is not None:
            values = made.contributions[row]
            assert values is not None
            for group in np.flatnonzero(_bits(record.contributions) != _bits(values)).tolist():
                difference = Difference(recorded=_shown(record.contributions[group]), replayed=_shown(values[group]))
                found[row][f"contribution of {basis.groups[group]}"] = difference
            reasons = tuple(join_reason(reason["code"], reason["statement"]) for reason in made.reasons[row])
            if reasons != record.reasons:
                found[row]["reasons"] = Difference(recorded=" ".join(record.reasons), replayed=" ".join(reasons))
    return found


def _inputs(model: StoredModel, records: Sequence[DecisionRecord]) -> Inputs:
    """Return the inputs of the graph: numbers as they are in the journal, texts from the applications."""
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
