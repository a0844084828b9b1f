from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.training.models import PARAMETERS, fitted
from tests.waiting import LONGEST_WAIT
from training import imbalance
from training.errors import StageError
from training.families.registry import FAMILIES
from training.workers import Workers, workers


@pytest.fixture(scope="module")
def _ended_at_last() -> Iterator[None]:
    """End the processes after the last test: new ones would import their libraries again."""
    yield
    Workers(2).kill()


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch, _ended_at_last: None) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(what: str) -> None:
    raise KeyError(what)


@pytest.mark.usefixtures("two_cores")
@pytest.mark.slow
@pytest.mark.parametrize("family", ["network", "boosting"])
def test_a_fit_in_a_process_of_its_own_gives_the_bits_of_a_fit_in_this_one(family: str) -> None:
    model = fitted(family)
    here = imbalance.fit(FAMILIES[family], model.features, model.labels, PARAMETERS[family], "none", 5)
    with workers() as pair:
        fits = [
            pair.submit(imbalance.fit, FAMILIES[family], model.features, model.labels, PARAMETERS[family], "none", seed)
            for seed in (4, 5, 6)
        ]
        there = fits[1].result()
    assert there.to_onnx(1.0, 0.0).SerializeToString() == here.to_onnx(1.0, 0.0).SerializeToString()
    assert there.log_odds(model.features).tobytes() == here.log_odds(model.features).tobytes()


@pytest.mark.usefixtures("two_cores")
@pytest.mark.slow
def test_functions_run_in_processes_that_stay_for_the_next_stage() -> None:
    with workers() as pair:
        assert pair.count == 2
        first = {pair.submit(os.getpid).result() for _ in range(10)}
    with workers() as pair:
        then = {pair.submit(os.getpid).result() for _ in range(10)}
    assert os.getpid() not in first | then
    assert len(first | then) <= 2


def test_with_one_core_everything_runs_in_this_process() -> None:
    with workers() as alone:
        assert alone.count == 1
        assert list(alone.for_each(lambda item: alone.submit(os.getpid).result() + item, [0, 1])) == [
            os.getpid(),
            os.getpid() + 1,
        ]


@pytest.mark.usefixtures("two_cores")
@pytest.mark.slow
def test_a_process_that_is_killed_is_one_line_and_the_next_stage_has_new_ones() -> None:
    with pytest.raises(StageError, match="a process that fits models was killed"), workers() as pair:
        list(pair.for_each(lambda item: pair.submit(die).result(), [1, 2, 3]))
    with workers() as pair:
        assert pair.submit(sum, [1, 2]).result() == 3


@pytest.mark.usefixtures("two_cores")
@pytest.mark.slow
def test_an_error_in_a_process_is_that_error_here() -> None:
    with pytest.raises(KeyError, match="epochs"), workers() as pair:
        pair.submit(refuse, "epochs").result()


@pytest.mark.usefixtures("two_cores")
@pytest.mark.slow
def test_results_come_as_they_end() -> None:
    def wait(seconds: float) -> float:
        pair.submit(time.sleep, seconds).result()
        return seconds

    with workers() as pair:
        pair.submit(np.zeros, 3).result()
        assert sorted(pair.for_each(wait, [0.2, 0.1, 0.0])) == [0.0, 0.1, 0.2]


INTERRUPTED = """
import os, signal, time
# A process that runs in the background ignores the signal, and so would this one.
signal.signal(signal.SIGINT, signal.default_int_handler)
from training.workers import workers
with workers() as pair:
    print(pair.submit(os.getpid).result(), flush=True)
    list(pair.for_each(lambda item: pair.submit(time.sleep, 3600).result(), [1, 2, 3]))
"""


@pytest.mark.slow
def test_ctrl_c_ends_every_process() -> None:
    """As from a terminal: the signal goes to the whole group."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        env={**os.environ, "LOKY_MAX_CPU_COUNT": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    worker = int(process.stdout.readline())
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=LONGEST_WAIT)
    assert process.returncode != 0
    assert complaint.count("Traceback") == 1, complaint
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
