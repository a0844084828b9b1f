"""Evidently's report of the same rows: every column's distributions, to look into.

The verdict does not rest on it. Evidently's PSI has bins of equal width over both samples together, where ours has
tenths of the training rows, and takes missing values for rows of no bin.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pandas as pd

from training.monitoring.drift import Kind

MOST_COLUMNS = 50
MOST_ROWS = 5_000
"""Rows of each side. With 312 columns and 20,000 rows the page had 23 MB and took over a minute and 1 GB."""


def html(
    reference: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, Kind], *, share: float, psi: float, seed: int
) -> str:
    """Return one page without anything from elsewhere; columns that are empty on one side are left out.

    Args:
        reference: training rows.
        current: applications.
        kinds: at most `MOST_COLUMNS` columns, and how each is compared.
        share: of the columns, from which the page speaks of drift of the data set.
        psi: from which it does so of a column.
        seed: of the rows that are drawn.
    """
    with _quiet():
        # Nothing that is imported here sends anything, but the library has a reporter of usage.
        os.environ.setdefault("DO_NOT_TRACK", "1")
        # It takes seconds, which no other command should wait for.
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        drawn = [side.sample(min(len(side), MOST_ROWS), random_state=seed) for side in (reference, current)]
        sides = [_prepared(side, kinds) for side in drawn]
        shown = [column for column in kinds if all(side[column].notna().any() for side in sides)]
        definition = DataDefinition(
            numerical_columns=[column for column in shown if kinds[column] == "number"],
            categorical_columns=[column for column in shown if kinds[column] == "category"],
        )
        before, now = (Dataset.from_pandas(side[shown], data_definition=definition) for side in sides)
        preset = DataDriftPreset(columns=shown, method="psi", threshold=psi, drift_share=share)
        snapshot = Report([preset]).run(now, before)
        page: str = snapshot.get_html_str(as_iframe=False)
        return page


def _prepared(frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    columns = {}
    for column, kind in kinds.items():
        values = frame[column]
        if values.dtype != object:
            values = values.astype(float).replace([np.inf, -np.inf], np.nan)
            if kind == "category":
                values = values.map("{:g}".format, na_action="ignore").astype(object)
        columns[column] = values
    return pd.DataFrame(columns)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # Evidently 0.7.23 is imported with its server, which is written for an older litestar, and touches numpy.core.
        warnings.filterwarnings("ignore", "numpy.core is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", ".*(Dependency|DependencyKwarg)'", DeprecationWarning)
        # It correlates columns of one value, too.
        warnings.filterwarnings("ignore", "invalid value encountered in divide", RuntimeWarning)
        yield
