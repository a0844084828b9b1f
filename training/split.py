"""The split into training and test rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from scoring.scorecard import Scorecard


def split_rows(
    scorecard: Scorecard, frame: pd.DataFrame, *, test_share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the training and the test rows, each in rising order.

    Rows that agree in every field (all but key and target) are one applicant as far as a model can
    see, so they stay on one side. Stratified by the target of each applicant's first row.
    """
    applicant = frame.groupby(list(scorecard.columns), sort=False, dropna=False).ngroup().to_numpy()
    _, first_rows = np.unique(applicant, return_index=True)
    _, test = train_test_split(
        np.arange(len(first_rows)),
        test_size=test_share,
        stratify=frame[scorecard.target].to_numpy()[first_rows],
        random_state=seed,
    )
    in_test = np.isin(applicant, test)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
