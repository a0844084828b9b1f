from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from scoring.scorecards import load
from training.split import applicants, folds, split_rows

CARD = load("card_default")


def rows(count: int, copies: int) -> pd.DataFrame:
    """Applicants, each `copies` times under another key, the copies mixed among the others."""
    frame = pd.DataFrame(CARD.sample(np.random.default_rng(4), count))
    frame = pd.concat([frame] * copies, ignore_index=True)
    frame[CARD.key] = np.arange(len(frame))
    return frame.sample(frac=1, random_state=1).reset_index(drop=True)


def test_rows_that_agree_in_every_field_are_one_applicant() -> None:
    frame = rows(400, copies=3)
    assert (np.bincount(applicants(CARD, frame)) == 3).all()


def test_rows_that_agree_are_separate_applicants_where_the_scorecard_says_so() -> None:
    separate = replace(CARD, duplicates="separate")
    frame = rows(400, copies=3)
    assert np.bincount(applicants(separate, frame)).tolist() == [1] * 1_200
    train, test = split_rows(separate, frame, test_share=0.25, seed=1)
    fields = frame[list(CARD.columns)]
    assert len(fields.iloc[test].merge(fields.iloc[train].drop_duplicates())) > 0


@pytest.mark.parametrize("count", [2, 5])
def test_no_applicant_is_in_two_folds(count: int) -> None:
    frame = rows(400, copies=3)
    applicant, labels = applicants(CARD, frame), frame[CARD.target].to_numpy()
    parts = folds(applicant, labels, count, seed=3)
    assert np.sort(np.concatenate([held_out for _, held_out in parts])).tolist() == list(range(len(frame)))
    for fitted, held_out in parts:
        assert not set(applicant[fitted]) & set(applicant[held_out])
        assert labels[held_out].mean() == pytest.approx(labels.mean(), abs=0.02)


def test_folds_without_doubles_are_those_of_scikit_learn() -> None:
    labels = np.random.default_rng(0).integers(0, 2, 300)
    expected = StratifiedKFold(5, shuffle=True, random_state=42).split(labels, labels)
    for (fitted, held_out), (other_fitted, other_held_out) in zip(
        folds(np.arange(300), labels, 5, seed=42), expected, strict=True
    ):
        assert fitted.tolist() == other_fitted.tolist()
        assert held_out.tolist() == other_held_out.tolist()


def test_no_applicant_is_in_training_and_test_rows() -> None:
    frame = rows(400, copies=3)
    train, test = split_rows(CARD, frame, test_share=0.25, seed=1)
    applicant = applicants(CARD, frame)
    assert not set(applicant[train]) & set(applicant[test])
    assert len(test) == pytest.approx(0.25 * len(frame), abs=3)
