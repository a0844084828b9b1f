"""The model that looks on: what it makes of applications is journaled, and nobody waits for it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.challenger.shadow import MOST_WAITING, Shadow, ShadowObservers
from scoring.decider import Decider
from scoring.decision import Decisions
from scoring.frames import Frame
from scoring.graph import Inputs
from scoring.journal.reader import JournalReader
from scoring.journal.writer import Journal
from scoring.policy import CutoffPolicy
from scoring.rows import Table
from tests.serving.toy import COLUMNS, SCORECARD, stored
from tests.waiting import LONGEST_WAIT, until

CHALLENGER = stored(version="2.0.0", shift=0.5)
FRAME = Frame(SCORECARD, CHALLENGER.graph.columns, None)


class Slow(Decider):
    """Waits until it may go on; or fails."""

    def __init__(self, *, broken: bool = False) -> None:
        policy = CutoffPolicy.of(SCORECARD)
        super().__init__(SCORECARD, CHALLENGER, Decider.by_policy(SCORECARD, CHALLENGER, policy).basis)
        self.go = threading.Event()
        self.broken = broken

    def decide(self, inputs: Inputs, explained: NDArray[np.bool_], *, reasons: bool = True) -> Decisions:
        if self.broken:
            raise RuntimeError("a limit of 120000 is not divisible")
        assert self.go.wait(LONGEST_WAIT)
        return super().decide(inputs, explained, reasons=reasons)


CHAMPION = Decider.by_policy(SCORECARD, stored(), CutoffPolicy.of(SCORECARD))


def decided(rows: int, seed: int = 0) -> tuple[Decisions, list[Any]]:
    """A batch that the champion has decided."""
    sample = SCORECARD.sample(np.random.default_rng(seed), rows)
    values = np.stack([sample[name] for name in COLUMNS], axis=1).astype(np.float32)
    table = Table(Inputs(values), [b"{}"] * rows)
    return CHAMPION.decide(table.inputs, np.zeros(rows, dtype=bool), reasons=False), [table]


class Watched:
    """A shadow, its journal, and what it told."""

    def __init__(self, folder: Path, decider: Decider, columns: list[str] = COLUMNS) -> None:
        self.journal = Journal(folder)
        self.journal.open()
        self.told: Counter[str] = Counter()
        observers = ShadowObservers(
            lambda rows: self.told.update(scored=rows),
            lambda rows: self.told.update(dropped=rows),
            lambda rows: self.told.update(failed=rows),
        )
        self.shadow = Shadow(decider, FRAME, columns, self.journal, observers)

    def found(self) -> dict[str, float]:
        self.shadow.close()
        records = list(JournalReader(self.journal.folder).challenges())
        assert len({record.decision_id for record in records}) == len(records), "nothing twice"
        return {record.decision_id: record.pd for record in records}


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go.set()


def test_closing_finishes_what_waits_and_nothing_is_lost_or_doubled(tmp_path: Path, slow: Slow) -> None:
    slow.go.set()
    watched = Watched(tmp_path, slow)
    expected: dict[str, float] = {}
    for seed, rows in enumerate((1, 700, 3, 1_024, 1)):
        decisions, parts = decided(rows, seed)
        # A batch is of several callers.
        watched.shadow.offer(decisions, [parts[0][: rows // 3], parts[0][rows // 3 :]])
        expected |= dict(
            zip(decisions.decision_ids, CHALLENGER.graph.score(parts[0].inputs).astype(float).tolist(), strict=True)
        )
    assert watched.found() == expected
    assert watched.told == {"scored": 1_729}


def test_one_that_is_behind_drops_and_counts_and_offering_never_waits(tmp_path: Path, slow: Slow) -> None:
    watched = Watched(tmp_path, slow)
    decisions, parts = decided(1_000)
    kept: list[str] = []
    for number in range(15):
        # In this thread: if it waited for the model, which nobody lets go on, the test would not end.
        names = [f"{number}-{row}" for row in range(1_000)]
        watched.shadow.offer(replace(decisions, decision_ids=names), parts)
        if (number + 1) * 1_000 <= MOST_WAITING:
            kept += names
    assert watched.told == {"dropped": 5_000}
    slow.go.set()
    assert list(watched.found()) == kept
    assert watched.told == {"dropped": 5_000, "scored": MOST_WAITING}


def test_one_that_raises_says_so_without_a_value_and_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    decider = Slow(broken=True)
    decider.go.set()
    watched = Watched(tmp_path, decider)
    watched.shadow.offer(*decided(2))
    until(lambda: bool(watched.told))
    decider.broken = False
    later = decided(3, seed=1)
    watched.shadow.offer(*later)
    assert list(watched.found()) == later[0].decision_ids
    assert watched.told == {"failed": 2, "scored": 3}
    assert "120000" not in caplog.text


def test_a_table_in_another_model_s_columns_is_dropped_and_counted(tmp_path: Path, slow: Slow) -> None:
    slow.go.set()
    watched = Watched(tmp_path, slow, columns=COLUMNS[1:])
    watched.shadow.offer(*decided(4))
    assert watched.found() == {}
    assert watched.told == {"dropped": 4}
