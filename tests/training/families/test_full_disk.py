"""Models of families whose libraries write files themselves, on a full disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from catboost import CatBoostClassifier

from scoring.disk import CannotWriteError
from tests.full_disk import full_disk
from training.families.catboost import CatBoost


def test_catboost_names_the_file_that_it_cannot_write(tmp_path: Path) -> None:
    features = np.random.default_rng(0).random((50, 2)).astype(np.float32)
    classifier = CatBoostClassifier(iterations=5, verbose=False, allow_writing_files=False)
    model = CatBoost(classifier.fit(features, np.arange(50) % 2))
    with full_disk(), pytest.raises(CannotWriteError, match=rf"cannot write {tmp_path}/catboost.cbm: File too large"):
        model.save(tmp_path)
    with full_disk(), pytest.raises(CannotWriteError, match=r"cannot write .*/model.onnx: File too large"):
        model.to_onnx(1.0, 0.0)
    model.save(tmp_path)
    assert CatBoost.load(tmp_path).log_odds(features).tobytes() == model.log_odds(features).tobytes()
