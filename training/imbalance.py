"""Ways to fit where defaults are few.

They change the rows, or the weights, that a model is fitted with, and nothing else: the rows that judge it and those
that calibrate it stay as they are. All of them bend PDs, which calibration on untouched rows bends back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from imblearn.over_sampling import SMOTE

from training.families.family import Family, Features, Labels, Model

Imbalance = Literal["none", "class_weight", "downsample", "smote"]

NEIGHBOURS = 5
"""Neighbours of a default that SMOTE draws new ones between."""


class ImbalanceError(ValueError):
    """The rows cannot be balanced in this way; the message says why."""


def fit(
    family: Family, features: Features, labels: Labels, parameters: Mapping[str, Any], imbalance: Imbalance, seed: int
) -> Model:
    """Fit a model of the family on these rows, balanced in one of four ways.

    `class_weight`: a row weighs rows / (2 * rows of its class), as scikit-learn's "balanced". `downsample`: as many
    rows of the larger class, drawn at random, as the smaller one has. `smote`: see `with_smote`.

    Raises:
        ImbalanceError: SMOTE of features with missing values.
    """
    match imbalance:
        case "none":
            return family.fit(features, labels, parameters, seed)
        case "class_weight":
            counts = np.bincount(labels, minlength=2)
            return family.fit(features, labels, parameters, seed, weights=len(labels) / (2 * counts[labels]))
        case "downsample":
            kept = downsampled(labels, seed)
            return family.fit(features[kept], labels[kept], parameters, seed)
        case "smote":
            return family.fit(*with_smote(features, labels, seed), parameters, seed)


def downsampled(labels: Labels, seed: int) -> Labels:
    """Return the positions of as many rows of each class as the smaller one has, in rising order."""
    of_class = [np.flatnonzero(labels == label) for label in (0, 1)]
    smaller = min(map(len, of_class))
    generator = np.random.default_rng(seed)
    drawn = [rows if len(rows) == smaller else generator.choice(rows, smaller, replace=False) for rows in of_class]
    return np.sort(np.concatenate(drawn))


def with_smote(features: Features, labels: Labels, seed: int) -> tuple[Features, Labels]:
    """Return the rows, and after them made-up ones of the smaller class until both are equal.

    SMOTE (Chawla et al. 2002): each lies on the line from a row to one of its nearest neighbours of the same class.
    Neighbours are found among standardised features, since amounts of money would decide alone otherwise.
    Indicators of text get values between 0 and 1 there, which no applicant has.

    Raises:
        ImbalanceError: a value is missing. There is no line to a missing value; and filled here, missing values would
            only occur in real rows, so that a model learns from them which rows are made up.
    """
    if unknown := int(np.isnan(features).any(axis=0).sum()):
        raise ImbalanceError(
            f"smote needs features without missing values, and {unknown} of {features.shape[1]} have some: "
            "choose a feature set that fills them"
        )
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1.0
    fewest = int(np.bincount(labels, minlength=2).min())
    sampler = SMOTE(random_state=seed, k_neighbors=min(NEIGHBOURS, fewest - 1))
    balanced, balanced_labels = sampler.fit_resample((features - mean) / deviation, labels)
    made_up = (balanced[len(labels) :] * deviation + mean).astype(np.float32)
    return np.concatenate([features, made_up]), np.asarray(balanced_labels, dtype=np.int64)
