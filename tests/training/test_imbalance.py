"""Ways to fit where defaults are few: what they change, and what they must leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tests.training.models import FEATURES, PARAMETERS, fitted
from training import imbalance
from training.calibration import choose
from training.families.registry import FAMILIES
from training.imbalance import Imbalance, ImbalanceError, downsampled, with_smote
from training.selection import Fold, out_of_fold
from training.split import folds
from training.workers import workers

WAYS: tuple[Imbalance, ...] = ("class_weight", "downsample", "smote")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", sorted(FEATURES))
@pytest.mark.slow
def test_every_way_lifts_the_raw_pds_of_every_family_towards_one_half(family: str, way: Imbalance) -> None:
    made = fitted(family)
    plain = expit(made.model.log_odds(made.features)).mean()
    balanced = imbalance.fit(FAMILIES[family], made.features, made.labels, PARAMETERS[family], way, 5)
    lifted = expit(balanced.log_odds(made.features)).mean()
    assert lifted > plain + 0.02
    assert lifted < 0.55


def test_none_is_the_plain_fit() -> None:
    made = fitted("logistic")
    again = imbalance.fit(FAMILIES["logistic"], made.features, made.labels, PARAMETERS["logistic"], "none", 5)
    assert again.log_odds(made.features).tobytes() == made.model.log_odds(made.features).tobytes()


def test_class_weights_make_both_classes_weigh_the_same() -> None:
    made = fitted("boosting")
    counts = np.bincount(made.labels)
    weights = len(made.labels) / (2 * counts[made.labels])
    family = FAMILIES["boosting"]
    by_hand = family.fit(made.features, made.labels, PARAMETERS["boosting"], 5, weights=weights)
    balanced = imbalance.fit(family, made.features, made.labels, PARAMETERS["boosting"], "class_weight", 5)
    assert weights[made.labels == 1].sum() == pytest.approx(weights[made.labels == 0].sum())
    assert balanced.log_odds(made.features).tobytes() == by_hand.log_odds(made.features).tobytes()


def test_downsampling_keeps_every_default_and_as_many_others() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    kept = downsampled(labels, seed=3)
    assert kept.tolist() == sorted(set(kept))
    assert np.bincount(labels[kept]).tolist() == [10, 10]
    assert downsampled(labels, seed=3).tolist() == kept.tolist()
    assert downsampled(labels, seed=4).tolist() != kept.tolist()


def test_smote_adds_rows_between_defaults_and_touches_no_real_row() -> None:
    draw = np.random.default_rng(0)
    labels = np.array([0] * 200 + [1] * 20)
    features = draw.normal(size=(220, 3)).astype(np.float32)
    # An amount of money, which would decide alone who is whose neighbour.
    features[:, 2] = 1e5 * features[:, 2]
    balanced, balanced_labels = with_smote(features, labels, seed=1)
    assert balanced[:220].tobytes() == features.tobytes()
    assert np.bincount(balanced_labels).tolist() == [200, 200]
    made_up = balanced[220:]
    defaults = features[labels == 1]
    assert (made_up >= defaults.min(axis=0) - 1e-2).all()
    assert (made_up <= defaults.max(axis=0) + 1e-2).all()
    assert len(np.unique(made_up, axis=0)) == 180


def test_smote_refuses_missing_values_and_says_what_to_do() -> None:
    features = np.ones((40, 3), dtype=np.float32)
    features[3, 1] = np.nan
    with pytest.raises(ImbalanceError, match="1 of 3 have some: choose a feature set that fills them"):
        with_smote(features, np.array([0] * 30 + [1] * 10), seed=1)


@pytest.mark.parametrize("way", WAYS)
def test_the_rows_that_judge_and_calibrate_are_not_balanced(way: Imbalance) -> None:
    """Each held-out row has a score of the model that was fitted on the balanced rest; the PDs hold after all."""
    made = fitted("boosting")
    family, parameters = FAMILIES["boosting"], PARAMETERS["boosting"]
    parts = [Fold(*rows, made.features) for rows in folds(np.arange(len(made.labels)), made.labels, 3, seed=1)]
    with workers() as in_processes:
        log_odds = out_of_fold(
            in_processes, family, made.labels, parts, parameters, 5, tick=lambda: None, imbalance=way
        )
    rest, held_out = parts[1].fitted, parts[1].held_out
    alone = imbalance.fit(family, made.features[rest], made.labels[rest], parameters, way, 5)
    assert log_odds[held_out].tobytes() == alone.log_odds(made.features[held_out]).tobytes()
    calibration, brier = choose(log_odds, made.labels, 5)
    assert calibration.pd(log_odds).mean() == pytest.approx(made.labels.mean(), abs=0.01)
    assert brier[calibration.method] < brier["none"]
