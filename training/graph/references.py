"""Reference applicants: whom the reasons of a decision compare an applicant with.

A decision's reference lies just below the cut-off, which can change without a new model; so a model carries a
ladder of them over the PDs that occur. None is one person's record: each is a blend of training rows of about the
same PD that are like each other. None shares a gap: it has a value wherever most applicants have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from scoring.decision_rules import declined
from scoring.expected import DataError
from scoring.graph import Graph, Inputs
from scoring.reasons import Reference
from training.families.family import Features

LEVELS = 40
QUANTILES = (0.01, 0.995)
"""The levels lie between these quantiles of the training rows' PDs."""
NEAR_SHARE, FEWEST_NEAR, MOST_NEAR = 0.05, 50, 200
"""How many training rows count as near a level."""
NOBODY_S_OWN = 5
"""A blend may equal training rows if at least this many have these values: where columns are few, most blends do."""
BLENDED = 9
"""Rows in one blend. Odd, so that the median of a column that is always known is the middle one."""
HAIR = 0.02
"""Log-odds below the level within which the most typical blend is taken: from 0.246 for 0.25."""


def reference_ladder(
    graph: Graph,
    inputs: Inputs,
    features: Features,
    cutoff: float,
    sentinels: Mapping[str, Sequence[int]] | None = None,
) -> list[Reference]:
    """Return references of about 40 levels of PD, evenly spaced in log-odds, and one for the cut-off; `pd` rises.

    A reference's PD is below its level by at most a step of the ladder; a level without such a blend has none.

    Args:
        graph: the PD graph.
        inputs: what it reads of the training rows.
        features: the same rows, [rows, features]; what makes rows alike.
        cutoff: the scorecard's own.
        sentinels: by column, the numbers that stand for none.

    Raises:
        DataError: no blend is approved at the cut-off, so nothing can be explained.
    """
    pd = graph.score(inputs).astype(np.float64)
    log_odds = _log_odds(pd)
    low, high = np.quantile(log_odds, QUANTILES)
    scaled = _standardised(features)
    step = (high - low) / (LEVELS - 1)
    blender = _Blender.of(graph, inputs, sentinels or {})
    found: dict[float, Reference] = {}
    for level in (*np.linspace(low, high, LEVELS), *_log_odds(np.array([cutoff]))):
        blends = _below(graph, inputs, blender, pd, scaled, _near(log_odds, level), level)
        best = next(blends, None)
        if best and _log_odds(np.array([best.pd]))[0] >= level - step:
            found[best.pd] = best
    ladder = [found[key] for key in sorted(found)]
    if not ladder or declined(ladder[0].pd, cutoff):
        raise DataError(f"no typical applicant has a PD below the cut-off {cutoff:g}; reasons need one")
    return ladder


def _log_odds(pd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds of PDs that may be 0 or 1 in float32."""
    return np.asarray(logit(pd.clip(1e-7, 1 - 1e-7)))


def _standardised(features: Features) -> Features:
    """Return each column with mean 0 and deviation 1; 0 where a value is missing."""
    known = ~np.isnan(features)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0).sum(axis=0, dtype=np.float64) / count
    centred = np.where(known, features - mean.astype(np.float32), 0)
    deviation = np.sqrt((centred.astype(np.float64) ** 2).sum(axis=0) / count)
    return np.asarray(centred / np.where(deviation > 0, deviation, 1), dtype=np.float32)


def _near(log_odds: NDArray[np.float64], level: float) -> NDArray[np.int64]:
    """Return the rows nearest to a level."""
    count = int(np.clip(NEAR_SHARE * len(log_odds), FEWEST_NEAR, MOST_NEAR))
    return np.argsort(np.abs(log_odds - level), kind="stable")[:count]


def _below(
    graph: Graph,
    inputs: Inputs,
    blender: _Blender,
    pd: NDArray[np.float64],
    scaled: Features,
    near: NDArray[np.int64],
    level: float,
) -> Iterator[Reference]:
    """Return blends of near rows whose PD is below the level, none of them one person's record, the best first.

    Those a hair below it come by how typical they are: how near the rows blended are to the mean of all near rows.
    The others come by their PD.
    """
    distance = ((scaled[near, None, :] - scaled[None, near, :]) ** 2).sum(axis=2)
    alike = near[np.argsort(distance, axis=1, kind="stable")[:, :BLENDED]]
    blends = blender.blends(inputs, alike, near)
    scores = graph.score(blends).astype(np.float64)
    below = level - _log_odds(scores)
    apart = ((scaled[alike].mean(axis=1) - scaled[near].mean(axis=0)) ** 2).sum(axis=1)
    order = np.lexsort((np.where(below <= HAIR, apart, below), below > HAIR))
    for row in order[below[order] > 0]:
        blend = blends[row : row + 1]
        # A row with the same values has the same PD, to the bit.
        if not 0 < _same(inputs[pd == scores[row]], blend) < NOBODY_S_OWN:
            yield Reference.of(float(scores[row]), blend, graph.numeric_columns, graph.text_columns)


@dataclass(frozen=True)
class _Blender:
    """Blends rows by column, so that a column has a value wherever most training rows have one."""

    numeric_gaps: NDArray[np.float32]
    """[columns of numbers], for columns that most training rows lack, NaN or the sentinel that most of those have."""
    most_lack: NDArray[np.bool_]
    """[columns of numbers], whether most training rows lack a value."""
    texts_lack: NDArray[np.bool_]
    """[text columns], the same."""
    sentinels: tuple[tuple[int, tuple[float, ...]], ...]
    """Positions of columns with sentinels, and those."""
    numeric: NDArray[np.float32]
    """[columns of numbers], the lower median of all known values."""
    text: tuple[str, ...]
    """[text columns], the most frequent text."""

    @classmethod
    def of(cls, graph: Graph, inputs: Inputs, sentinels: Mapping[str, Sequence[int]]) -> _Blender:
        """Return the blender of these training rows."""
        columns = graph.numeric_columns
        places = tuple(
            (columns.index(name), tuple(map(float, values))) for name, values in sentinels.items() if name in columns
        )
        known = _known(inputs.numeric, places)
        most_lack = 2 * np.isnan(known).sum(axis=0) > len(known)
        gaps = np.full(len(columns), np.nan, dtype=np.float32)
        for place, values in places:
            counts = {value: int((inputs.numeric[:, place] == value).sum()) for value in values}
            often = max(counts, key=counts.__getitem__)
            if counts[often] >= np.isnan(inputs.numeric[:, place]).sum():
                gaps[place] = often
        text = np.empty((0, 0), dtype=object) if inputs.text is None else inputs.text
        return cls(
            gaps,
            most_lack,
            2 * (text == "").sum(axis=0) > len(text),
            places,
            _lower_median(known),
            tuple(_most_frequent(column) for column in text.T),
        )

    def blends(self, inputs: Inputs, alike: NDArray[np.int64], near: NDArray[np.int64]) -> Inputs:
        """Return a blend of each [blends, rows] of rows that are alike; where none knows a value, of the near ones."""
        known = _known(inputs.numeric, self.sentinels)
        medians = np.stack([_lower_median(known[rows]) for rows in alike])
        for other in (_lower_median(known[near]), self.numeric):
            medians = np.where(np.isnan(medians), other, medians)
        numeric = np.where(self.most_lack, self.numeric_gaps, medians)
        if inputs.text is None:
            return Inputs(numeric)
        text = np.empty((len(alike), len(self.text)), dtype=object)
        for position, (column, lacks) in enumerate(zip(inputs.text.T, self.texts_lack.tolist(), strict=True)):
            others = ("",) if lacks else (_most_frequent(column[near]), self.text[position])
            text[:, position] = [
                "" if lacks else next(filter(None, (_most_frequent(column[rows]), *others)), "") for rows in alike
            ]
        return Inputs(numeric, text)


def _known(numeric: NDArray[np.float32], sentinels: Sequence[tuple[int, Sequence[float]]]) -> NDArray[np.float32]:
    """Return the numbers with NaN in place of sentinels."""
    if not sentinels:
        return numeric
    known = numeric.copy()
    for place, values in sentinels:
        known[np.isin(known[:, place], values), place] = np.nan
    return known


def _lower_median(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return per column the middle of the known values, the lower of two; NaN where none is known.

    So it is a value that occurs: whole numbers stay whole.
    """
    ordered = np.sort(rows, axis=0)  # what is missing last
    known = (~np.isnan(rows)).sum(axis=0)
    return np.asarray(ordered[np.maximum(known - 1, 0) // 2, np.arange(rows.shape[1])])


def _most_frequent(column: NDArray[np.object_]) -> str:
    """Return the text that most rows have, the first of several in alphabetical order; empty where none has one."""
    texts = [text for text in column.tolist() if text]
    return max(sorted(set(texts)), key=texts.count, default="")


def _same(rows: Inputs, one: Inputs) -> int:
    """Return how many of the rows have the values of that one."""
    same = ((rows.numeric == one.numeric) | (np.isnan(rows.numeric) & np.isnan(one.numeric))).all(axis=1)
    if rows.text is not None:
        same &= (rows.text == one.text).all(axis=1)
    return int(same.sum())
