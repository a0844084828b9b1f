"""Decisions are shown again from the journal, and whatever is not as it was is named as such."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bentoml
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from inline_snapshot import snapshot

from pipelines.journal import replay as module
from scoring import models
from scoring.decider import runtime
from scoring.journal.erasure import erase
from scoring.journal.reader import JournalReader
from scoring.policy import CutoffPolicy, StatedBasis
from tests.pipelines.conftest import Run
from tests.pipelines.journaled import Journaled, decide, sample_applications
from tests.scoring.journal import forged
from tests.serving.toy import COLUMNS, SCORECARD, content, push_release, record, without_statements

TAG = "card_default:1.0.0-fp32"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Journaled:
    """300 decisions, of 100 every reason, by a model in a store next to them."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "store").mkdir()
    BentoMLContainer.model_store.set(ModelStore(folder / "store"))
    release = push_release(folder / "release.json")
    model = models.load(release.tags["fp32"])
    BentoMLContainer.model_store.reset()
    applications = sample_applications(SCORECARD, COLUMNS, 300)
    decide(folder / "journal", SCORECARD, model, applications[:200])
    decide(folder / "journal", SCORECARD, model, applications[200:], every_reason=True, applicant="client-7")
    return Journaled(folder / "journal", model)


@pytest.fixture
def journaled(made: Journaled, scorebox: Run, tmp_path: Path) -> Iterator[Journaled]:
    """A copy of them where the command looks for them."""
    shutil.copytree(made.folder.parent / "store", tmp_path / "store")
    BentoMLContainer.model_store.set(ModelStore(tmp_path / "store"))
    folder = Path("journal") / "card_default"
    shutil.copytree(made.folder, folder)
    yield Journaled(folder, made.model)
    BentoMLContainer.model_store.reset()


@pytest.fixture
def replay(scorebox: Run) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Exit code, report and what was printed."""

    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        code, printed = scorebox("replay", "card_default", "--out", "replay.json", *arguments)
        return code, json.loads(Path("replay.json").read_text()), printed

    return run


Replayed = Callable[..., tuple[int, dict[str, Any], str]]


def test_decisions_replay_to_the_bit(journaled: Journaled, replay: Replayed) -> None:
    records = list(JournalReader(journaled.folder).decisions())
    explained = sum(record.contributions is not None for record in records)
    assert 100 < explained < 300
    assert any(record.declined for record in records)
    code, report, printed = replay()
    assert code == 0, printed
    assert report == {
        "scorecard": "card_default",
        "journal": "journal/card_default",
        "decisions": 300,
        "verdicts": {"same": 300},
        "models": {TAG: 300},
        "runtime": runtime(),
        "other_runtimes": [],
        "findings": [],
    }
    assert "same │ 300" in printed
    assert "300 decisions in " in printed


def test_decisions_of_a_model_from_before_statements_replay_and_are_shown(
    scorebox: Run, replay: Replayed, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    BentoMLContainer.model_store.set(ModelStore(tmp_path / "store"))
    old = without_statements(content())
    entry = record("fp32", old, COLUMNS)
    models.push(entry, old)
    folder = Path("journal") / "card_default"
    decide(folder, SCORECARD, models.load(entry.tag), sample_applications(SCORECARD, COLUMNS, 100))
    records = list(JournalReader(folder).decisions())
    codes = {reason for record in records for reason in record.reasons}
    assert codes <= {group.code for group in SCORECARD.reasons}
    assert replay()[1]["verdicts"] == {"same": 100}
    declined = next(record for record in records if record.declined)
    _, printed = scorebox("journal", "show", "card_default", declined.decision_id)
    group = next(group for group in SCORECARD.reasons if group.code == declined.reasons[0])
    assert f"Reason 1: {group.code}, " in printed
    assert group.sentence in printed
    BentoMLContainer.model_store.reset()


def test_ids_times_and_samples_choose_decisions(journaled: Journaled, replay: Replayed, scorebox: Run) -> None:
    first, *_, last = journaled.ids
    assert module.places_of(JournalReader(journaled.folder), [last, first, first]) == [1, 300]
    assert replay(last, first, first)[1]["verdicts"] == {"same": 2}
    assert replay("--sample", "17")[1]["verdicts"] == {"same": 17}
    assert replay("--sample", "1000")[1]["verdicts"] == {"same": 300}
    assert replay("--since", "2020-01-01", "--until", "2020-02-01")[1]["decisions"] == 0
    middle = next(record.decided_at for record in JournalReader(journaled.folder).decisions(after=200))
    assert replay("--since", middle)[1]["decisions"] == 100
    assert replay("--until", middle)[1]["decisions"] == 200
    code, printed = scorebox("replay", "card_default", first, "another")
    assert (code, printed) == (1, snapshot("error journal/card_default has no decision another"))
    assert scorebox("replay", "card_default", first, "--sample", "3") == (
        1,
        snapshot("error --since, --until and --sample choose decisions, so no ids stand next to them"),
    )
    assert scorebox("replay", "card_default", "--since", "yesterday") == (
        1,
        snapshot("error 'yesterday' is no date or time of ISO 8601, such as 2026-01-31 or 2026-01-31T12:00"),
    )
    assert scorebox("replay", "card_default", "--journal", "elsewhere") == (
        1,
        snapshot("error there is no journal in elsewhere"),
    )


def test_a_tampered_record_is_named(journaled: Journaled, replay: Replayed) -> None:
    forged.change(journaled.folder, [5], "declined", lambda declined: not declined)
    code, report, printed = replay()
    assert code == 1
    assert report["verdicts"] == {"same": 299, "tampered record": 1}
    (finding,) = report["findings"]
    name = journaled.ids[4]
    assert finding == {
        "sequence": 5, "through": 5, "decision_id": name, "verdict": "tampered record", "detail": "", "differences": {},
    }  # fmt: skip
    assert f"tampered record 5 {name}" in printed
    assert printed.endswith("error 1 of 300 decisions of card_default are not as the journal says")
    assert replay(name)[1]["verdicts"] == {"tampered record": 1}
    assert replay(journaled.ids[5])[1]["verdicts"] == {"same": 1}


def test_missing_records_are_named(journaled: Journaled, replay: Replayed) -> None:
    forged.take_out(journaled.folder, [*range(100, 151), 200])
    code, report, printed = replay()
    assert code == 1
    assert report["verdicts"] == {"same": 248, "missing record": 52}
    assert [(finding["sequence"], finding["through"]) for finding in report["findings"]] == [(100, 150), (200, 200)]
    assert "missing record 100 to 150" in printed


def test_an_erased_decision_is_no_fault(journaled: Journaled, replay: Replayed) -> None:
    name = journaled.ids[7]
    erase(journaled.folder, [name])
    code, report, printed = replay()
    assert code == 0, printed
    assert report["verdicts"] == {"same": 299, "erased": 1}
    assert [(finding["decision_id"], finding["verdict"]) for finding in report["findings"]] == [(name, "erased")]
    # Emptied by somebody else, it is one.
    forged.empty(journaled.folder, [3])
    assert replay()[1]["verdicts"] == {"same": 298, "erased": 1, "tampered record": 1}


def test_a_missing_model_is_named(journaled: Journaled, replay: Replayed) -> None:
    bentoml.models.delete(TAG)
    code, report, printed = replay("--sample", "10")
    assert code == 1
    assert report["verdicts"] == {"missing model": 10}
    assert report["findings"][0]["detail"] == f"{TAG} is not in the model store; run: scorebox push card_default"
    assert f"{TAG} is not in the model store" in printed


@pytest.mark.parametrize("file", ["model.onnx", "explain.onnx"])
def test_a_changed_model_file_is_named(journaled: Journaled, replay: Replayed, file: str) -> None:
    path = Path(bentoml.models.get(TAG).path_of(file))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, report, _ = replay("--sample", "10")
    assert code == 1
    assert report["verdicts"] == {"changed model": 10}
    assert report["findings"][0]["detail"].startswith(f"{TAG}: the graph's sha256 is ")


def test_a_model_that_was_exchanged_with_its_record_is_named(journaled: Journaled, replay: Replayed) -> None:
    """The store holds together in itself; only the journal knows the model that decided."""
    from tests.serving.toy import content, record

    bentoml.models.delete(TAG)
    made = content(shift=0.01)
    models.push(record("fp32", made, COLUMNS), made)
    code, report, _ = replay("--sample", "10")
    assert code == 1
    assert report["verdicts"] == {"changed model": 10}
    detail = report["findings"][0]["detail"]
    recorded = journaled.model.graph.sha256
    assert detail.startswith(f"{TAG}: the graph has the sha256 ")
    assert detail.endswith(f", the record says {recorded}")


def test_a_difference_is_shown_with_the_bits_of_both(
    journaled: Journaled, replay: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if this processor computed otherwise: the same bytes, another PD."""
    from tests.serving.toy import content, record

    made = content(shift=0.3)
    other = models.open_model(record("fp32", made, COLUMNS), made)
    monkeypatch.setattr(module._Work, "_open", lambda self, basis: other)
    code, report, printed = replay()
    assert code == 1
    assert report["verdicts"] == {"differs": 300}
    first = next(JournalReader(journaled.folder).decisions())
    pd = report["findings"][0]["differences"]["pd"]
    assert pd["recorded"].startswith(f"{first.pd:.9g} (0x3")
    assert pd["replayed"].split()[0] != pd["recorded"].split()[0]
    everything = {what for finding in report["findings"] for what in finding["differences"]}
    assert {"pd", "declined", "points"} <= everything
    assert any(what.startswith("contribution of ") for what in everything)
    assert "and 280 more; --out FILE.json has them all" in printed


def test_another_runtime_is_a_note_and_no_fault(
    journaled: Journaled, replay: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "runtime", lambda: runtime() | {"onnxruntime": "9.0"})
    code, report, printed = replay()
    assert code == 0
    assert report["verdicts"] == {"same": 300}
    recorded = {"onnxruntime": runtime()["onnxruntime"]}
    assert report["other_runtimes"] == [{"decisions": 300, "recorded": recorded}]
    assert (
        f"300 decisions were made by another runtime: onnxruntime {recorded['onnxruntime']}; here onnxruntime 9.0"
        in (printed)
    )


def test_decisions_under_several_policies_replay_together(journaled: Journaled, replay: Replayed) -> None:
    stated = StatedBasis(kind="hand", reason="Fewer losses.")
    policy = CutoffPolicy(scorecard="card_default", cutoff=0.2, basis=stated, made_at="2026-11-21")
    decide(journaled.folder, SCORECARD, journaled.model, sample_applications(SCORECARD, COLUMNS, 100, 8), policy=policy)
    code, report, printed = replay()
    assert code == 0, printed
    assert report["verdicts"] == {"same": 400}


def test_the_journal_of_another_scorecard_is_refused(journaled: Journaled, scorebox: Run) -> None:
    code, printed = scorebox("replay", "german_credit", "--journal", str(journaled.folder))
    assert code == 1
    assert printed.endswith("error the journal is of card_default, not of german_credit")
