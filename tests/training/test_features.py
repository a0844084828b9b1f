from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.features import Block, beside, raw
from scoring.graph import Inputs
from tests.training.models import CARD, sample_inputs
from training.graph.frontend import feature_matrix, feature_names

COLUMNS = ["a", "b", "c"]
matrices = arrays(np.float32, (5, 3), elements=st.floats(-1e6, 1e6, width=32))


def values(block: Block, matrix: np.ndarray) -> np.ndarray:
    return feature_matrix([block], COLUMNS, Inputs(matrix))


@settings(max_examples=30, deadline=None)
@given(matrices)
def test_every_operation_is_what_numpy_says(matrix: np.ndarray) -> None:
    a, ab = raw("a"), raw("a", "b")
    wide = matrix.astype(np.float64)
    expected = [
        (ab, wide[:, :2]),
        (ab.total("t"), wide[:, :2].sum(1, keepdims=True)),
        (ab.mean("m"), wide[:, :2].mean(1, keepdims=True)),
        (ab.largest("l"), wide[:, :2].max(1, keepdims=True)),
        (ab.smallest("s"), wide[:, :2].min(1, keepdims=True)),
        (ab.clip(-5, 7), wide[:, :2].clip(-5, 7)),
        (raw("b") - a, wide[:, 1:2] - wide[:, :1]),
        (ab + raw("c"), wide[:, :2] + wide[:, 2:]),
        (ab * 3 + 1, wide[:, :2] * 3 + 1),
        (ab / raw("c").clip(1, 10), wide[:, :2] / wide[:, 2:].clip(1, 10)),
        (ab.clip(0, 9).mean("m"), wide[:, :2].clip(0, 9).mean(1, keepdims=True)),
        (beside(a, ab.largest("l")), np.c_[wide[:, 0], wide[:, :2].max(1)]),
        (a.interpolate([(-10, 1), (0, 2), (1000, -1)]), np.interp(wide[:, :1], [-10, 0, 1000], [1, 2, -1])),
    ]
    for block, by_numpy in expected:
        assert values(block, matrix) == pytest.approx(by_numpy, rel=1e-5, abs=1e-4), block.operation


def test_a_signed_log_is_exact_at_its_knots_and_odd_in_sign() -> None:
    matrix = np.array([[0, 0, 0], [1e6, 0, 0], [-1e5, 0, 0], [300_000, 0, 0]], dtype=np.float32)
    expected = [[0.0], [np.log10(1e6 + 1)], [-np.log10(1e5 + 1)], [np.log10(3e5 + 1)]]
    assert values(raw("a").signed_log(), matrix) == pytest.approx(np.array(expected), abs=1e-5)


def test_steps_count_how_many_levels_a_code_has_passed() -> None:
    matrix = np.array([[-2, 0, 0], [0, 0, 0], [3, 0, 0]], dtype=np.float32)
    block = raw("a").steps((-2, -1, 0, 1))
    assert values(block, matrix).tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert block.names == ("a > -2", "a > -1", "a > 0", "a > 1")


def test_what_cannot_be_written_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="a block of 2 columns cannot be matched with 3"):
        raw("a", "b", "c") / raw("a", "b")
    with pytest.raises(ValueError, match="1 columns cannot take the names"):
        raw("a").named("x", "y")
    with pytest.raises(ValueError, match="points of rising x"):
        raw("a").interpolate([(1, 0), (1, 1)])


def test_the_published_network_has_29_inputs_and_they_are_the_published_ones() -> None:
    blocks = CARD.features["published"](True)
    columns = list(CARD.columns)
    inputs, _ = sample_inputs(columns, rows=200)
    by_name = dict(zip(columns, inputs.numeric.T.astype(np.float64), strict=True))
    features = dict(zip(feature_names(blocks), feature_matrix(blocks, columns, inputs).T, strict=True))
    statuses = np.stack([by_name[f"PAY_{month}"] for month in (0, 2, 3, 4, 5, 6)])
    billed = sum(by_name[f"BILL_AMT{month}"] for month in range(1, 7))
    paid = sum(by_name[f"PAY_AMT{month}"] for month in range(1, 7))
    engineered = {
        "mean status": statuses.mean(0),
        "worst status": statuses.max(0),
        "late months": (statuses > 0).sum(0),
        "paid": paid / np.clip(billed, 1, None),
        "utilisation": by_name["BILL_AMT1"] / by_name["LIMIT_BAL"],
        "age band": np.digitize(by_name["AGE"], [26, 36, 46, 56]),
    }
    assert len(features) == 29
    assert set(features) == {*columns, *engineered}
    for name, expected in {**by_name, **engineered}.items():
        assert features[name] == pytest.approx(expected, rel=1e-5), name


@pytest.mark.parametrize("name", sorted(CARD.features))
def test_protected_columns_stay_out_unless_they_are_let_in(name: str) -> None:
    from scoring.features import raw_columns

    assert raw_columns(CARD.features[name](False)) == set(CARD.columns) - CARD.protected
    assert raw_columns(CARD.features[name](True)) == set(CARD.columns)


@pytest.mark.parametrize("name", sorted(CARD.features))
def test_features_of_the_contract_s_extremes_are_finite(name: str) -> None:
    blocks = CARD.features[name](True)
    bounds = np.array([[rule.minimum for rule in CARD.rules], [rule.maximum for rule in CARD.rules]])
    mixed = np.random.default_rng(0).choice(2, (500, len(CARD.columns)))
    matrix = np.take_along_axis(bounds, mixed, axis=0).astype(np.float32)
    assert np.isfinite(feature_matrix(blocks, list(CARD.columns), Inputs(matrix))).all()
