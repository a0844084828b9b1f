"""Standard microseconds: a machine's speed cancels out."""

import itertools
import time

import pytest

from scoring.graph import Graph
from tests.training.models import fitted
from training.evaluation import timing


def test_a_slower_machine_measures_the_same_standard_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted("logistic")
    graph = Graph(model.graph())
    on_the_clock, standard = [], []
    for tick in (1e-5, 3e-5):
        with monkeypatch.context() as patch:
            clock = itertools.count(step=tick)
            patch.setattr(time, "perf_counter", lambda clock=clock: next(clock))
            on_the_clock.append(timing.least_microseconds(graph, model.inputs[:1], 5))
            standard.append(timing.standard_microseconds(graph, model.inputs[:1]))
    assert on_the_clock == pytest.approx([10, 30])
    assert standard == [timing.YARDSTICK_MICROSECONDS] * 2
