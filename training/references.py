"""Reference applicants: whom the reasons of a decision compare an applicant with.

A decision's reference lies just below the cut-off, which can change without a new model; so a model carries a
ladder of them over the PDs that occur. None is a person's record: each is a blend of training rows of about the
same PD that are like each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from scoring.graph import Graph, Inputs
from scoring.reasons import Reference
from training.errors import DataError
from training.family import Features

LEVELS = 40
QUANTILES = (0.01, 0.995)
"""The levels lie between these quantiles of the training rows' PDs."""
NEAR_SHARE, FEWEST_NEAR, MOST_NEAR = 0.05, 50, 200
"""How many training rows count as near a level."""
BLENDED = 9
"""Rows in one blend. Odd, so that the median of a column that is always known is the middle one."""


def reference_ladder(graph: Graph, inputs: Inputs, features: Features, cutoff: float) -> list[Reference]:
    """References of about 40 levels of PD, evenly spaced in log-odds, and one for the cut-off; `pd` rises.

    A reference's PD is below its level by at most a step of the ladder; a level without such a blend has none.

    Args:
        graph: the PD graph.
        inputs: what it reads of the training rows.
        features: the same rows, [rows, features]; what makes rows alike.
        cutoff: the scorecard's own.

    Raises:
        DataError: no blend is approved at the cut-off, so nothing can be explained.
    """
    pd = graph.score(inputs).astype(np.float64)
    log_odds = _log_odds(pd)
    low, high = np.quantile(log_odds, QUANTILES)
    scaled = _standardised(features)
    step = (high - low) / (LEVELS - 1)
    found: dict[float, Reference] = {}
    for level in (*np.linspace(low, high, LEVELS), _log_odds(np.array([cutoff]))[0]):
        for reference in _below(graph, inputs, pd, scaled, _near(log_odds, level), level):
            # The cut-off is the one level that must have a reference, though it be further below.
            if level - _log_odds(np.array([reference.pd]))[0] <= step:
                found[reference.pd] = reference
            break
    ladder = [found[key] for key in sorted(found)]
    if not ladder or ladder[0].pd >= cutoff:
        raise DataError(f"no typical applicant has a PD below the cut-off {cutoff:g}; reasons need one")
    return ladder


def _log_odds(pd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of PDs that may be 0 or 1 in float32."""
    return np.asarray(logit(pd.clip(1e-7, 1 - 1e-7)))


def _standardised(features: Features) -> Features:
    """Each column with mean 0 and deviation 1; 0 where a value is missing."""
    known = ~np.isnan(features)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0).sum(axis=0, dtype=np.float64) / count
    centred = np.where(known, features - mean.astype(np.float32), 0)
    deviation = np.sqrt((centred.astype(np.float64) ** 2).sum(axis=0) / count)
    return np.asarray(centred / np.where(deviation > 0, deviation, 1), dtype=np.float32)


def _near(log_odds: NDArray[np.float64], level: float) -> NDArray[np.int64]:
    """The rows nearest to a level."""
    count = int(np.clip(NEAR_SHARE * len(log_odds), FEWEST_NEAR, MOST_NEAR))
    return np.argsort(np.abs(log_odds - level), kind="stable")[:count]


def _below(
    graph: Graph,
    inputs: Inputs,
    pd: NDArray[np.float64],
    scaled: Features,
    near: NDArray[np.int64],
    level: float,
) -> Iterator[Reference]:
    """Blends of near rows whose PD is below the level, the highest first, none of them a training row."""
    distance = ((scaled[near, None, :] - scaled[None, near, :]) ** 2).sum(axis=2)
    alike = near[np.argsort(distance, axis=1, kind="stable")[:, :BLENDED]]
    blends = Inputs(
        np.stack([_lower_median(inputs.numeric[rows]) for rows in alike]),
        None if inputs.text is None else np.array([_most_frequent(inputs.text[rows]) for rows in alike], dtype=object),
    )
    scores = graph.score(blends).astype(np.float64)
    for row in np.argsort(-scores, kind="stable"):
        blend = blends[row : row + 1]
        # A row with the same values has the same PD, to the bit.
        if _log_odds(scores[row : row + 1])[0] < level and not _contains(inputs[pd == scores[row]], blend):
            yield Reference.of(float(scores[row]), blend, graph.numeric_columns, graph.text_columns)


def _lower_median(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per column the middle of the known values, the lower of two; missing where most are.

    So it is a value that occurs: whole numbers stay whole, and what stands for none stays what it is.
    """
    ordered = np.sort(rows, axis=0)  # what is missing last
    known = (~np.isnan(rows)).sum(axis=0)
    middle = ordered[np.maximum(known - 1, 0) // 2, np.arange(rows.shape[1])]
    return np.where(2 * known < len(rows), np.float32(np.nan), middle)


def _most_frequent(rows: NDArray[np.object_]) -> list[str]:
    """Per column the text that most rows have, the first of several in alphabetical order."""
    columns = [column.tolist() for column in rows.T]
    return [max(sorted(set(column)), key=column.count) for column in columns]


def _contains(rows: Inputs, one: Inputs) -> bool:
    same = ((rows.numeric == one.numeric) | (np.isnan(rows.numeric) & np.isnan(one.numeric))).all(axis=1)
    if rows.text is not None:
        same &= (rows.text == one.text).all(axis=1)
    return bool(same.any())
