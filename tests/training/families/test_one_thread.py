"""LightGBM crashes where one booster is fitted by one thread while another predicts by more: all of it has one."""

import subprocess
import sys

import pytest

COUNT_THREADS = """
import numpy as np, psutil
from training.families.boosting import fit_boosting
values = np.random.default_rng(0).normal(size=(5_000, 20)).astype(np.float32)
before = psutil.Process().num_threads()
model = fit_boosting(values, (values[:, 0] > 0).astype(np.int64), {"n_estimators": 20}, 0)
model.log_odds(values)
print(psutil.Process().num_threads() - before)
"""


@pytest.mark.slow
def test_a_fit_of_lightgbm_and_its_predictions_start_no_threads() -> None:
    more = subprocess.run([sys.executable, "-c", COUNT_THREADS], capture_output=True, text=True, check=True).stdout
    assert int(more) == 0
