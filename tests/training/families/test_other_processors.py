"""The same data give the same model on every x86-64 processor with AVX2, of Intel or AMD, with AVX-512 or without.

QEMU plays the processors that this machine does not have: what it reports of itself decides which code the numeric
libraries run, and it computes as the processor would, but for the approximate reciprocals, which nothing here may use.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.needs import program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the bits of x86-64 processors are compared"),
]

FIT = """
import pipelines
import hashlib
import tempfile
from pathlib import Path
from tests.training.models import CARD, FEATURES, PARAMETERS, sample_inputs
from training.families.registry import FAMILIES
from training.graph.frontend import feature_matrix

few = {
    "network": {"epochs": 2}, "boosting": {"n_estimators": 10}, "catboost": {"iterations": 10},
    "forest": {"n_estimators": 4}, "gradient_boosting": {"n_estimators": 5}, "logistic": {},
}
for name in FEATURES:
    blocks = CARD.features[FEATURES[name]](False)
    inputs, labels = sample_inputs(list(CARD.columns), rows=1_000)
    features = feature_matrix(blocks, list(CARD.columns), inputs)
    print(name, "data", hashlib.sha256(features.tobytes() + labels.tobytes()).hexdigest())
    model = FAMILIES[name].fit(features, labels, PARAMETERS[name] | few[name], 5)
    print(name, "log-odds", hashlib.sha256(model.log_odds(features).tobytes()).hexdigest())
    if name != "network":  # PyTorch's exporter is no part of the fit, and takes a minute in the emulator.
        print(name, "graph", hashlib.sha256(model.to_onnx(1.0, 0.0).SerializeToString()).hexdigest())
"""


def fits(*emulator: str) -> list[str]:
    """Return a line for the data, the fit and the graph of every family, on this processor or an emulated one."""
    environment = {
        "PATH": os.environ["PATH"],
        # The emulated interpreter does not see that it belongs to an environment.
        "PYTHONPATH": os.pathsep.join([str(PROJECT), sysconfig.get_path("purelib")]),
    }
    python = os.path.realpath(sys.executable)
    printed = subprocess.run(
        [*emulator, python, "-c", FIT], env=environment, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
    )
    return printed.stdout.splitlines()


def test_every_family_fits_the_same_bits_on_a_processor_of_another_maker() -> None:
    emulator = program("qemu-x86_64", "apt-get install qemu-user, as .ci/prepare does")
    other = "Haswell" if "AuthenticAMD" in Path("/proc/cpuinfo").read_text() else "EPYC"
    assert fits(emulator, "-cpu", other) == fits()
