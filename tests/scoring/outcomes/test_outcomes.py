"""Labels of decisions: which one stands, and that none is lost."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.journal.limits import JournalLimits
from scoring.journal.origin import RequestOrigin
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError
from scoring.journal.writer import Journal
from scoring.outcomes.store import FILE, OUTCOME_STATUSES, Outcome, Outcomes, OutcomeStatus
from tests.conftest import PROJECT
from tests.scoring.journal import made_up

LATER = "2126-01-01"
EARLIER = "2020-01-01"
MOMENT = "2026-01-01T00:00:00.000+00:00"
A, B, C, D = (f"019b76da-a800-7000-8000-00000000000{digit}" for digit in "abcd")
"""Ids of that moment, for decisions that outcomes may come before."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal")
    opened.open()
    yield opened
    opened.close()


def outcome(name: str, label: int, day: str = LATER, source: str = "file.csv") -> Outcome:
    return Outcome(name, label, day, source)


def decide(journal: Journal, names: list[str]) -> None:
    """Appends decisions with these ids."""
    made = replace(made_up.decisions([0.1] * len(names), decided_at=MOMENT), decision_ids=names)
    values = [0.1] * len(names)
    journal.append(made, made_up.inputs(values), made_up.applications(values), [RequestOrigin(len(names), "request-1")])


def kept(store: Outcomes, status: OutcomeStatus) -> list[Outcome]:
    return [item.outcome for item in store.kept(status)]


def test_the_first_label_of_a_decision_stands_and_everything_else_is_kept_aside(journal: Journal) -> None:
    first, second = made_up.append(journal, [0.1, 0.4]).decision_ids
    store = Outcomes(journal.folder)
    came = [
        outcome(first, 0),
        outcome(first, 0, source="again.csv"),
        outcome(first, 1),
        outcome("nobody", 1),
        outcome(second, 1, EARLIER),
    ]
    assert store.record(came) == ["recorded", "repeated", "conflicting", "unknown", "early"]
    assert store.labels() == {first: 0}
    assert kept(store, "recorded") == [came[0]]
    assert kept(store, "conflicting") == [came[2]]
    assert kept(store, "unknown") == [came[3]]
    assert kept(store, "early") == [came[4]]
    assert store.counts() == {"recorded": 1, "conflicting": 1, "unknown": 1, "early": 1}


def test_a_label_may_mature_on_the_day_of_the_decision(journal: Journal) -> None:
    made = made_up.append(journal, [0.1])
    assert Outcomes(journal.folder).record([outcome(made.decision_ids[0], 1, made.decided_at[:10])]) == ["recorded"]


def test_outcomes_that_come_a_second_time_change_nothing(journal: Journal) -> None:
    (name,) = made_up.append(journal, [0.1]).decision_ids
    came = [outcome(name, 0), outcome(name, 1), outcome("nobody", 1), outcome(name, 1, EARLIER)]
    store = Outcomes(journal.folder)
    store.record(came)
    before = {status: store.kept(status) for status in OUTCOME_STATUSES}
    assert store.record(came) == ["repeated", "conflicting", "unknown", "early"]
    assert {status: store.kept(status) for status in OUTCOME_STATUSES} == before


def test_what_waits_is_settled_when_its_decision_appears(journal: Journal) -> None:
    store = Outcomes(journal.folder)
    waiting = [outcome(A, 0), outcome(B, 1), outcome(A, 1), outcome(C, 1, EARLIER), outcome(D, 1)]
    assert store.record(waiting) == ["unknown"] * 5
    came_at = store.kept("unknown")[0].recorded_at
    assert store.adopt() == Counter()
    decide(journal, [A, B, C])
    assert store.adopt() == Counter(recorded=2, conflicting=1, early=1)
    assert store.labels() == {A: 0, B: 1}
    assert store.kept("recorded")[0].recorded_at == came_at
    assert kept(store, "conflicting") == [waiting[2]]
    assert kept(store, "early") == [waiting[3]]
    assert kept(store, "unknown") == [waiting[4]]


def test_a_label_that_waited_stands_before_one_that_comes_now(journal: Journal) -> None:
    store = Outcomes(journal.folder)
    store.record([outcome(A, 0)])
    decide(journal, [A])
    assert store.record([outcome(A, 1)]) == ["conflicting"]
    assert store.labels() == {A: 0}


def test_a_label_outlives_its_decision(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JournalLimits(segment_bytes=1 << 16))
    journal.open()
    names = [name for _ in range(4) for name in made_up.append(journal, [0.1] * 100).decision_ids]
    journal.close()
    first, *others = sorted(tmp_path.glob("segment-*.sqlite"))
    assert others
    assert set(JournalReader(tmp_path).known([*names, "nobody"])) == set(names)
    store = Outcomes(tmp_path)
    assert store.record([outcome(names[0], 0), outcome(names[-1], 0)]) == ["recorded", "recorded"]
    first.unlink()
    assert store.record([outcome(names[0], 0), outcome(names[0], 1)]) == ["repeated", "conflicting"]


def test_the_store_is_its_owner_s_only(journal: Journal) -> None:
    Outcomes(journal.folder).record([outcome(A, 1)])
    assert {path.stat().st_mode & 0o777 for path in journal.folder.glob(f"{FILE}*")} == {0o600}
    assert not [path for path in journal.folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("content", [b"", b"not a database" * 100], ids=["empty", "no database"])
def test_a_file_that_is_no_store_is_refused(journal: Journal, content: bytes) -> None:
    (journal.folder / FILE).write_bytes(content)
    with pytest.raises(JournalError, match="cannot be used as a store of outcomes"):
        Outcomes(journal.folder)


def test_without_a_journal_there_are_no_outcomes(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        Outcomes(tmp_path)


NAMES = st.sampled_from([A, B, C, D])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), NAMES),
        st.tuples(st.just("record"), st.lists(st.tuples(NAMES, st.integers(0, 1), st.sampled_from([EARLIER, LATER])))),
        st.just(("adopt", None)),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_whatever_comes_in_whatever_order(steps: list[tuple[str, object]]) -> None:
    came: list[Outcome] = []
    decided: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), JournalLimits("normal"))
        journal.open()
        store = Outcomes(journal.folder)
        for step, what in steps:
            if step == "decide" and what not in decided:
                assert isinstance(what, str)
                decide(journal, [what])
                decided.add(what)
            elif step == "record":
                assert isinstance(what, list)
                rows = [outcome(name, label, day) for name, label, day in what]
                assert len(store.record(rows)) == len(rows)
                came += rows
            elif step == "adopt":
                store.adopt()
        store.adopt()
        journal.close()
        in_time = {item.decision_id: item for item in reversed(came) if item.observed_on == LATER}
        assert store.labels() == {name: item.defaulted for name, item in in_time.items() if name in decided}
        standing = {item for status in OUTCOME_STATUSES for item in kept(store, status)}
        repeated = {item for item in came if store.labels().get(item.decision_id) == item.defaulted}
        assert set(came) - standing <= repeated
        assert all(item.observed_on == EARLIER for item in kept(store, "early"))
        assert not {item.decision_id for item in kept(store, "unknown")} & decided


def record_all(folder: Path, names: list[str], label: int) -> Counter[str]:
    store = Outcomes(folder)
    return Counter(
        status
        for start in range(0, len(names), 10)
        for status in store.record([outcome(name, label) for name in names[start : start + 10]])
    )


@pytest.mark.slow
def test_several_processes_record_at_a_time(journal: Journal) -> None:
    names = made_up.append(journal, [0.1] * 200).decision_ids
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = pool.starmap(record_all, [(journal.folder, names, label) for label in (0, 1, 1)])
    store = Outcomes(journal.folder)
    assert sum(part["recorded"] for part in taken) == 200
    assert set(store.labels()) == set(names)
    assert all(sum(part.values()) == 200 for part in taken)
    assert Counter(store.labels().values())[0] == taken[0]["recorded"]
    assert {item.decision_id for item in kept(store, "conflicting")} == set(names)


WRITER = """
import sys
from pathlib import Path
from scoring.outcomes.store import Outcome, Outcomes
store = Outcomes(Path(sys.argv[1]))
batch = 0
while True:
    store.record([Outcome(f"{batch}-{row}", 1, "2126-01-01", "file.csv") for row in range(10)])
    print(batch, flush=True)
    batch += 1
"""


def test_what_was_taken_before_a_kill_is_there_and_batches_are_whole(journal: Journal) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(journal.folder)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            last = [int(process.stdout.readline()) for _ in range(5)][-1]
            process.send_signal(signal.SIGKILL)
            last = int(([str(last), *process.stdout.read().split()])[-1])
        rows = Counter(item.decision_id.split("-")[0] for item in kept(Outcomes(journal.folder), "unknown"))
        assert set(rows.values()) == {10}
        assert {str(batch) for batch in range(last + 1)} <= set(rows)
