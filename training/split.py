"""The split into training and test rows, and into folds: an applicant stays on one side."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from scoring.expected import DataError
from scoring.scorecard import Scorecard
from training.families.family import Labels

CALIBRATION_FOLDS = 5
"""The folds on which `training.calibration` compares its methods."""


def applicants(scorecard: Scorecard, frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return a number for each row, [rows], the same for rows that agree in every field but the key.

    They are one applicant as far as a model can see, whatever their keys and targets say; unless the scorecard says
    that its duplicates are separate.
    """
    if scorecard.duplicates == "separate":
        return np.arange(len(frame))
    fields = frame[[column for column in scorecard.columns if column != scorecard.key]]
    numbers, _ = pd.factorize(pd.util.hash_pandas_object(fields, index=False))
    return np.asarray(numbers, dtype=np.int64)


def least_applicants(test_share: float, fold_count: int) -> int:
    """Return how many applicants of each outcome the split, the folds and the calibration's folds take."""
    for_folds = math.ceil(max(fold_count, CALIBRATION_FOLDS) / (1 - test_share))
    return max(for_folds, math.ceil(1 / test_share))


def check_counts(scorecard: Scorecard, frame: pd.DataFrame, *, test_share: float, fold_count: int) -> None:
    """Check that every fold and the test rows get applicants of both outcomes.

    Raises:
        DataError: there are too few of one; the message says how many there are and how many it takes.
    """
    _, first_rows = np.unique(applicants(scorecard, frame), return_index=True)
    defaults = int(frame[scorecard.target].to_numpy()[first_rows].sum())
    counts = {"with a default": defaults, "without one": len(first_rows) - defaults}
    least = least_applicants(test_share, fold_count)
    if min(counts.values()) < least:
        found = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        raise DataError(
            f"{scorecard.name}: too few different applicants to train and test on: {found}; {fold_count} folds and a "
            f"test share of {test_share:g} take {least:,} of each"
        )


def folds(
    applicant: NDArray[np.int64], labels: Labels, count: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the folds that every candidate is judged on: (fitted rows, held-out rows), each in rising order.

    Stratified by the target of each applicant's first row.
    """
    _, first_rows, number = np.unique(applicant, return_index=True, return_inverse=True)
    splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    parts = []
    # In the order of their first rows, so that rows without a double are split as if by themselves.
    order = np.argsort(first_rows, kind="stable")
    for _, held_out in splitter.split(np.empty(len(order)), labels[first_rows[order]]):
        aside = np.isin(number, order[held_out])
        parts.append((np.flatnonzero(~aside), np.flatnonzero(aside)))
    return parts


def split_rows(
    scorecard: Scorecard, frame: pd.DataFrame, *, test_share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the training and the test rows, each in rising order.

    Stratified by the target of each applicant's first row.
    """
    applicant = applicants(scorecard, frame)
    _, first_rows = np.unique(applicant, return_index=True)
    _, test = train_test_split(
        np.arange(len(first_rows)),
        test_size=test_share,
        stratify=frame[scorecard.target].to_numpy()[first_rows],
        random_state=seed,
    )
    in_test = np.isin(applicant, test)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
