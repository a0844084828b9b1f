"""Columns that hold other values than they did: the population stability index (PSI) of two samples.

The formula is in `scoring.stability`. Below 0.1 nothing of weight has changed, from 0.1 on it should be looked into,
from 0.25 on the population is another one: N. Siddiqi, Credit Risk Scorecards (Wiley 2006), system stability report.

Two samples of one population differ too. For n and m rows in B bins, PSI / (1/n + 1/m) is about chi-squared with B - 1
degrees of freedom: B. Yurdakul, Statistical Properties of Population Stability Index (Western Michigan University
2018). What chance reaches once in a thousand columns is never called drift, however few rows there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from scipy.stats import chi2

from scoring.stability import stability_of_counts

Kind = Literal["number", "category"]
Status = Literal["stable", "watch", "shifted", "missing", "constant"]
Share = Annotated[float, Field(ge=0, le=1)]
Counts: TypeAlias = NDArray[np.int64]

WATCH = 0.1
"""PSI from which a column should be looked into."""
SHIFTED = 0.25
"""PSI from which the population is another one."""
CHANCE = 0.999
"""Share of the columns that have not moved whose PSI lies below `ColumnDrift.chance`."""
TENTHS = np.arange(1, 10) / 10
RARE = 0.01
"""Categories with a smaller share of the reference are one bin."""
MISSING_BIN, RARE_BIN, UNSEEN_BIN = "(missing)", "(rare)", "(unseen)"
NAMED = 5
"""The share is told of at most this many unseen categories, the largest first."""


class Bin(BaseModel):
    """One bin of a column."""

    label: str
    reference: Share
    current: Share


class ColumnDrift(BaseModel):
    """How one column differs between two samples."""

    column: str
    kind: Kind
    status: Status
    """`missing`: shifted, and nothing is left of it; `constant`: the same single value on both sides."""
    psi: Annotated[float, Field(ge=0)]
    chance: Annotated[float, Field(ge=0)]
    """The PSI that chance alone exceeds in one of a thousand columns that have not moved."""
    one_value: Literal["reference", "current", "both"] | None
    """Where the column has but one value, missing ones counted as one."""
    missing_reference: Share
    missing_current: Share
    unseen: dict[str, Share]
    """The largest categories that the reference does not have, each with its share of the current rows."""
    bins: list[Bin]

    @property
    def drifted(self) -> bool:
        """Whether it counts towards the share of drifted columns."""
        return self.status in ("shifted", "missing")


def compare_column(
    column: str, kind: Kind, reference: pd.Series, current: pd.Series, limit: float = SHIFTED
) -> ColumnDrift:
    """Compare a column of two samples, each of at least one row.

    Numbers fall into the tenths of the reference, with open ends; a value that fills a tenth by itself is a bin of its
    own, and infinite ones count as missing. Categories are bins by themselves, but rare ones are one bin, and so are
    those that the reference does not have. Missing values are a bin.

    Args:
        column: its name.
        kind: numbers are floats; categories are texts, or codes as floats.
        reference: NaN or None where missing.
        current: of the same type.
        limit: PSI from which the column is shifted.

    Raises:
        ValueError: a sample is empty.
    """
    if reference.empty or current.empty:
        raise ValueError(f"{column}: both samples need rows")
    if reference.dtype != object:
        reference, current = (side.replace([np.inf, -np.inf], np.nan) for side in (reference, current))
    unseen: dict[str, float] = {}
    if kind == "number":
        labels, counts = _number_bins(reference.to_numpy(), current.to_numpy())
    else:
        labels, counts, unseen = _category_bins(reference, current)
    absent = [side.isna() for side in (reference, current)]
    labels = [*labels, MISSING_BIN]
    counts = [np.append(count, missing.sum()) for count, missing in zip(counts, absent, strict=True)]
    psi = stability_of_counts(*counts)
    used = counts[0] + counts[1] > 0
    counts = [count[used] for count in counts]
    chance = by_chance(int(used.sum()), len(reference), len(current))
    single = [side.nunique(dropna=False) == 1 for side in (reference, current)]
    status: Status = "stable"
    if psi > chance and psi >= limit:
        status = "missing" if absent[1].all() else "shifted"
    elif all(single):
        status = "constant"
    elif psi > chance and psi >= WATCH:
        status = "watch"
    return ColumnDrift(
        column=column,
        kind=kind,
        status=status,
        psi=psi,
        chance=chance,
        one_value="both" if all(single) else "reference" if single[0] else "current" if single[1] else None,
        missing_reference=float(absent[0].mean()),
        missing_current=float(absent[1].mean()),
        unseen=unseen,
        bins=[
            Bin(label=label, reference=before / len(reference), current=now / len(current))
            for label, before, now in zip(np.array(labels)[used].tolist(), *(c.tolist() for c in counts), strict=True)
        ],
    )


def by_chance(bins: int, reference_rows: int, current_rows: int) -> float:
    """Return the PSI that two samples of one population stay below in a share `CHANCE` of all cases (Yurdakul 2018)."""
    return float(chi2.ppf(CHANCE, bins - 1)) * (1 / reference_rows + 1 / current_rows) if bins > 1 else 0.0


def drifted_share(columns: Sequence[ColumnDrift]) -> float:
    """Return the share of columns that are shifted or missing; of none at all, 0."""
    return sum(column.drifted for column in columns) / len(columns) if columns else 0.0


def _number_bins(reference: NDArray[np.floating], current: NDArray[np.floating]) -> tuple[list[str], list[Counts]]:
    """Return labels and counts of the bins between tenths of the reference's values; a bin holds its upper end."""
    known = [side[np.isfinite(side)] for side in (reference, current)]
    if not known[0].size:
        return [UNSEEN_BIN], [np.array([side.size]) for side in known]
    # Values that occur, so that no rounding depends on the scale.
    tenths, times = np.unique(np.quantile(known[0], TENTHS, method="inverted_cdf"), return_counts=True)
    own = tenths[times > 1]
    below = np.nextafter(own, own.dtype.type(-np.inf))
    edges = np.union1d(tenths, below)
    counts = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in known]
    shown = [_shown(value) for value in np.where(np.isin(edges, below), np.roll(edges, -1), edges).tolist()]
    labels = [f"below {shown[0]}" if edges[0] in below else f"up to {shown[0]}"]
    for value, (low, high) in zip(edges[1:], pairwise(shown), strict=True):
        labels.append(high if value in own else f"{low} to {high}")
    return [*labels, f"above {shown[-1]}"], counts


def _category_bins(reference: pd.Series, current: pd.Series) -> tuple[list[str], list[Counts], dict[str, float]]:
    """Return labels and counts by category, and the largest unseen ones with their share of the current rows."""
    seen, now = reference.value_counts().sort_index(), current.value_counts()
    common = seen.index[seen.to_numpy() >= RARE * len(reference)]
    rare = seen.index.difference(common)
    new = now[~now.index.isin(seen.index)]
    counts = [
        np.array([*sides.reindex(common, fill_value=0), sides.reindex(rare, fill_value=0).sum(), other], dtype=np.int64)
        for sides, other in ((seen, 0), (now, new.sum()))
    ]
    unseen = {_shown(name): count / len(current) for name, count in new.head(NAMED).items()}
    return [*map(_shown, common), RARE_BIN, UNSEEN_BIN], counts, unseen


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)[:40]
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
