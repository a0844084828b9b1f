"""`scorebox journal` works while a service goes on writing."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from inline_snapshot import snapshot

from pipelines.journal import export as journal_export
from scoring.journal import schema
from scoring.journal.batch import opening_of
from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.reasons import split_reason
from scoring.journal.record import payload_of, seal
from scoring.journal.schema import NO_PROOF, reading, segments
from scoring.journal.writer import Journal
from scoring.sentences import Sentences
from tests.conftest import PROJECT
from tests.pipelines.conftest import Run
from tests.pipelines.journaled import Journaled, decide, sample_applications
from tests.read_only import read_only
from tests.scoring.journal import forged
from tests.scoring.journal.made_up import BASIS, append, inputs
from tests.serving.toy import COLUMNS, SCORECARD, push_release, stored


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Journaled:
    """60 decisions of one applicant and 40 of another, and what a challenger made of two, in several segments."""
    folder = tmp_path_factory.mktemp("made") / "journal"
    model = stored()
    applications = sample_applications(SCORECARD, COLUMNS, 100)
    limits = JournalLimits(segment_bytes=1 << 16)
    decide(folder, SCORECARD, model, applications[:60], applicant="client-1", limits=limits, max_batch_size=32)
    decide(folder, SCORECARD, model, applications[60:], applicant="client-2", every_reason=True)
    made = Journaled(folder, model)
    journal = Journal(folder)
    journal.open()
    journal.append_challenges(BASIS, made.ids[:2], [0.2, 0.3], [False, True], inputs([0.2, 0.3]))
    journal.close()
    assert len(segments(folder)) > 1
    return made


@pytest.fixture
def journaled(made: Journaled, scorebox: Run) -> Journaled:
    """A copy of them where the command looks for them."""
    folder = Path("journal") / "card_default"
    shutil.copytree(made.folder, folder)
    return Journaled(folder, made.model)


@pytest.fixture
def writer(journaled: Journaled) -> Iterator[Journal]:
    """A service that has the journal open."""
    journal = Journal(journaled.folder)
    journal.open()
    yield journal
    journal.close()


def head_of(printed: str) -> str:
    return next(word for word in printed.split() if word.partition(":")[0].isdigit() and len(word) > 60)


@pytest.fixture
def released(journaled: Journaled, tmp_path: Path) -> Iterator[None]:
    """The model that decided is in the store."""
    (tmp_path / "store").mkdir()
    BentoMLContainer.model_store.set(ModelStore(tmp_path / "store"))
    push_release(Path("releases/card_default.json"))
    yield
    BentoMLContainer.model_store.reset()


@pytest.mark.usefixtures("released")
def test_the_commands_of_the_document_do_what_they_say(journaled: Journaled, writer: Journal, scorebox: Run) -> None:
    known = {
        "DECISION_ID": journaled.ids[5],
        "SEQUENCE:PROOF": head_of(scorebox("journal", "verify", "card_default")[1]),
        "APPLICANT_ID": "client-2",
    }
    block = (PROJECT / "docs" / "explanation" / "journal.md").read_text().partition("```sh\n")[2].partition("```")[0]
    lines = [line.partition("#")[0].split() for line in block.splitlines()]
    assert len(lines) == 9
    for _, *arguments in lines:
        code, printed = scorebox(*(known.get(argument, argument) for argument in arguments))
        assert code == 0, (arguments, printed)
    assert len(list(JournalReader(journaled.folder).erasures())) == 41


def test_a_whole_journal_verifies_and_says_its_head(journaled: Journaled, writer: Journal, scorebox: Run) -> None:
    code, printed = scorebox("journal", "verify", "card_default")
    assert code == 0, printed
    *_, last = JournalReader(journaled.folder).decisions()
    assert head_of(printed) == f"100:{last.proof.hex()}"
    assert "100 decisions from 1 on" in printed
    assert "2 challenges from 1 on" in printed
    append(writer, [0.1, 0.2])
    code, printed = scorebox("journal", "verify", "card_default", "--head", f"100:{last.proof.hex()}")
    assert code == 0, printed
    assert "every seal holds, and the head that was noted is in the chain" in printed
    assert head_of(printed).startswith("102:")


def test_the_first_broken_place_is_named(journaled: Journaled, scorebox: Run) -> None:
    forged.change(journaled.folder, range(80, 101), "points", lambda points: points + 1)
    forged.statement(journaled.folder, "UPDATE challenges SET pd = 0.1 WHERE sequence = 2")
    code, printed = scorebox("journal", "verify", "card_default")
    assert code == 1
    assert printed.endswith(
        "error the chain of journal/card_default is broken: decision 80 is the first of 21: "
        "tampered record; challenge 2 is the first of 1: tampered record"
    )


def test_a_record_put_into_another_segment_is_named(journaled: Journaled, scorebox: Run) -> None:
    forged.change(journaled.folder, [1], "sequence", 1_000)
    code, printed = scorebox("journal", "verify", "card_default")
    assert code == 1
    assert printed.endswith(
        "decision 1 is the first of 1: missing record; 1 records stand in another place than their own"
    )


def test_a_journal_that_was_written_anew_does_not_have_the_head_that_was_noted(
    journaled: Journaled, scorebox: Run
) -> None:
    """Every seal of the new one holds: only what was kept elsewhere shows it."""
    head = head_of(scorebox("journal", "verify", "card_default")[1])
    kept = list(JournalReader(journaled.folder).decisions())
    for path in segments(journaled.folder):
        path.unlink()
    decide(journaled.folder, SCORECARD, journaled.model, sample_applications(SCORECARD, COLUMNS, 100, 9))
    assert scorebox("journal", "verify", "card_default")[0] == 0
    code, printed = scorebox("journal", "verify", "card_default", "--head", head)
    assert code == 1
    assert "the head that was noted is not in the chain: it was written anew, or its end removed" in printed

    forged.take_out(journaled.folder, range(91, 101))
    assert scorebox("journal", "verify", "card_default")[0] == 0
    assert scorebox("journal", "verify", "card_default", "--head", head)[0] == 1
    assert scorebox("journal", "verify", "card_default", "--head", f"90:{kept[89].proof.hex()}")[0] == 1


def test_a_head_that_is_none_or_too_old_is_refused(journaled: Journaled, scorebox: Run) -> None:
    assert scorebox("journal", "verify", "card_default", "--head", "what") == (
        1,
        snapshot("error --head: 'what' is not SEQUENCE:PROOF, as `scorebox journal verify` says it"),
    )
    second = JournalReader(journaled.folder).starts()[1][1]
    segments(journaled.folder)[0].unlink()
    code, printed = scorebox("journal", "verify", "card_default", "--head", f"{second - 2}:00")
    assert code == 1
    assert "has been removed by retention" in printed


def test_an_export_holds_all_that_is_kept(
    journaled: Journaled, writer: Journal, scorebox: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_export, "ROWS", 30)
    names = journaled.ids
    assert scorebox("journal", "erase", "card_default", names[1], "--yes")[0] == 0
    code, printed = scorebox("journal", "export", "card_default", "out/decisions.parquet")
    assert code == 0, printed
    assert printed.endswith("export 100 decisions: out/decisions.parquet")
    output = Path("out/decisions.parquet")
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert [path.name for path in output.parent.iterdir()] == ["decisions.parquet"]
    file = pq.ParquetFile(output)
    assert file.num_row_groups == 4
    rows = file.read().to_pylist()
    records = list(JournalReader(journaled.folder).decisions())
    previous = NO_PROOF
    for row, record in zip(rows, records, strict=True):
        assert row["decision_id"] == record.decision_id
        assert row["decided_at"].isoformat(timespec="milliseconds") == record.decided_at
        assert np.float32(row["pd"]) == np.float32(record.pd)
        assert (row["declined"], row["points"], row["band"], row["thin"]) == (
            record.declined, record.points, record.band, record.thin,
        )  # fmt: skip
        basis = record.basis.model_dump() | {
            "columns": list(record.basis.columns),
            "fields": list(record.basis.fields),
        }
        groups = basis.pop("groups")
        assert {name: row[name] if name != "runtime" else dict(row[name]) for name in basis} == basis
        assert tuple(row["reasons"]) == record.reasons
        if record.contributions is None:
            assert row["contributions"] is None
        else:
            assert dict(row["contributions"]) == dict(zip(groups, record.contributions.tolist(), strict=True))
        # The export alone is enough to check every seal.
        line = (
            row["sequence"], row["decision_id"], row["request_id"], record.pd, row["declined"], row["points"],
            row["band"], row["thin"], row["reasons"],
            None if record.contributions is None else record.contributions.tobytes().hex(), row["payload_sha256"].hex(),
        )  # fmt: skip
        opening = opening_of(row["decided_at"].isoformat(timespec="milliseconds"), row["basis_sha256"])
        assert seal(previous, opening + orjson.dumps(line)) == row["proof"]
        previous = row["proof"]
        if row["erased"]:
            assert (row["applicant"], row["application"], row["inputs"], row["salt"]) == (None, None, None, None)
        else:
            fields = orjson.loads(row["application"])
            assert {name: value for name, value in fields.items() if value is not None} == record.values
            payload = payload_of(row["salt"], row["inputs"], row["applicant"], orjson.dumps([*fields.values()]))
            assert sha256(payload).digest() == row["payload_sha256"]
    assert [row["erased"] for row in rows].count(True) == 1


@pytest.mark.usefixtures("released")
def test_a_journal_on_read_only_media_is_read_by_every_command(journaled: Journaled, scorebox: Run) -> None:
    with read_only(journaled.folder):
        for command in (
            ["replay", "card_default"],
            ["journal", "verify", "card_default"],
            ["journal", "show", "card_default", journaled.ids[-1]],
            ["journal", "export", "card_default", "decisions.parquet"],
        ):
            code, printed = scorebox(*command)
            assert code == 0, printed
        code, printed = scorebox("journal", "erase", "card_default", "--applicant", "client-2", "--yes")
        assert code == 1
        assert "cannot be written" in printed
    assert pq.read_metadata("decisions.parquet").num_rows == 100


def test_an_export_of_some_times(journaled: Journaled, scorebox: Run) -> None:
    middle = next(record.decided_at for record in JournalReader(journaled.folder).decisions(after=60))
    assert scorebox("journal", "export", "card_default", "late.parquet", "--since", middle)[0] == 0
    assert scorebox("journal", "export", "card_default", "early.parquet", "--until", middle)[0] == 0
    assert scorebox("journal", "export", "card_default", "none.parquet", "--until", "2020-01-01")[0] == 0
    counts = [pq.read_metadata(f"{name}.parquet").num_rows for name in ("early", "late", "none")]
    assert counts == [60, 40, 0]
    assert pq.read_table("none.parquet").schema == journal_export.SCHEMA


def test_an_export_that_cannot_be_written_leaves_nothing(journaled: Journaled, scorebox: Run) -> None:
    Path("file").write_text("")
    code, printed = scorebox("journal", "export", "card_default", "file/out.parquet")
    assert code == 1
    assert printed.endswith("error cannot write file/out.parquet: Not a directory")
    Path("folder.parquet").mkdir()
    assert scorebox("journal", "export", "card_default", "folder.parquet")[0] == 1
    assert sorted(path.name for path in Path().iterdir() if path.name.startswith(".folder")) == []


@pytest.mark.parametrize("command", [["journal", "export", "card_default"], ["replay", "card_default", "--out"]])
def test_nothing_is_written_into_the_journal_that_is_read(
    journaled: Journaled, scorebox: Run, command: list[str]
) -> None:
    Path("linked").symlink_to("journal/card_default")
    segment = segments(journaled.folder)[0]
    before = segment.read_bytes()
    for output in (f"linked/{segment.name}", "journal/../journal/card_default/new.parquet"):
        code, printed = scorebox(*command, output)
        assert code == 1
        assert printed.endswith(f"error {output} lies in journal/card_default, which is read")
    assert segment.read_bytes() == before
    assert not Path("linked/new.parquet").exists()


def test_decisions_are_erased_by_id(journaled: Journaled, writer: Journal, scorebox: Run) -> None:
    names = journaled.ids
    code, printed = scorebox("journal", "erase", "card_default", names[0], "another", names[99], "--yes")
    assert code == 1
    assert "erase another is not in journal/card_default" in printed
    assert f"erase {names[0]} erased" in printed
    assert f"erase {names[99]} erased" in printed
    assert printed.endswith("error not every decision was found")
    assert {name for name, _ in JournalReader(journaled.folder).erasures()} == {names[0], names[99]}
    code, printed = scorebox("journal", "erase", "card_default", names[0], names[1], "--yes")
    assert code == 0
    assert f"{names[0]} was erased before" in printed
    assert scorebox("journal", "verify", "card_default")[0] == 0
    assert "100 decisions from 1 on, 3 of them erased" in scorebox("journal", "verify", "card_default")[1]


def test_an_applicant_is_erased_and_nobody_else(journaled: Journaled, writer: Journal, scorebox: Run) -> None:
    reader = JournalReader(journaled.folder)
    code, printed = scorebox("journal", "erase", "card_default", "--applicant", "client-2", "--yes")
    assert code == 0, printed
    assert reader.of_applicant("client-2") == []
    assert len(reader.of_applicant("client-1")) == 60
    assert scorebox("journal", "erase", "card_default", "--applicant", "client-2", "--yes") == (
        1,
        snapshot("error journal/card_default has no decision of this applicant that is not erased"),
    )


@pytest.mark.parametrize("next_one", [["--applicant", "client-2"], ["--applicant", "client-1"], ["another"]])
def test_an_erasure_next_to_a_reader_is_finished_by_its_repetition(
    journaled: Journaled, writer: Journal, scorebox: Run, monkeypatch: pytest.MonkeyPatch, next_one: list[str]
) -> None:
    """Or by any other: the advice that it gives holds in the state in which it gives it."""
    monkeypatch.setattr(schema, "WAIT_SECONDS", 0.1)
    theirs = JournalReader(journaled.folder).of_applicant("client-2")
    append(writer, [0.1], applicant="client-2")
    newest = segments(journaled.folder)[-1]
    log = newest.with_name(f"{newest.name}-wal")
    erase = ("journal", "erase", "card_default", "--yes")
    with reading(newest) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM batches").fetchone()
        code, printed = scorebox(*erase, "--applicant", "client-2")
        assert code == 1
        assert "give the same command again when nobody reads it any more" in printed
    assert b"client-2" in log.read_bytes()
    code, printed = scorebox(*erase, *next_one)
    assert code == (1 if next_one == ["another"] else 0)
    assert "an erasure that had begun earlier is finished" in printed
    assert all(f"{name} was erased before" in printed for name in theirs)
    assert not [path for path in journaled.folder.iterdir() if b"client-2" in path.read_bytes()]
    code, printed = scorebox(*erase, "--applicant", "client-2")
    assert code == 1
    assert printed.endswith("has no decision of this applicant that is not erased")


@pytest.mark.parametrize("arguments", [[], ["0198c0de", "--applicant", "client-1"]])
def test_an_erasure_names_decisions_or_an_applicant(journaled: Journaled, scorebox: Run, arguments: list[str]) -> None:
    assert scorebox("journal", "erase", "card_default", *arguments) == (
        1,
        snapshot("error name either decisions or --applicant"),
    )


@pytest.mark.parametrize(("answer", "left"), [("n\n", 60), ("y\n", 0)])
def test_an_erasure_asks_first(
    journaled: Journaled, scorebox: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, printed = scorebox("journal", "erase", "card_default", "--applicant", "client-1")
    assert "Erase the applicant's fields of 60 decisions for ever?" in printed
    assert code == (1 if left else 0)
    assert len(JournalReader(journaled.folder).of_applicant("client-1")) == left


def test_a_decision_is_shown_in_plain_words(journaled: Journaled, writer: Journal, scorebox: Run) -> None:
    record = next(record for record in JournalReader(journaled.folder).decisions() if record.declined)
    code, printed = scorebox("journal", "show", "card_default", record.decision_id)
    assert code == 0, printed
    sentences = Sentences(SCORECARD)
    assert record.contributions is not None
    weights = dict(zip(record.basis.groups, record.contributions.tolist(), strict=True))
    for number, reason in enumerate(record.reasons, 1):
        group, statement = split_reason(reason)
        assert statement is not None
        sentence = sentences.of(group, statement)
        assert sentence != sentences.of(group, None)
        assert f"Reason {number}: {reason}, {weights[group]:+.3f} log-odds. {sentence}" in printed
    assert f"Decision {record.decision_id}, number {record.sequence} of the journal" in printed
    assert (
        f"Declined: PD {record.pd:.6g}, cut-off 0.25 by policy {record.basis.policy}; {record.points} points" in printed
    )
    assert f"Model card_default:1.0.0-fp32, graph {record.basis.graph_sha256}" in printed
    assert '"LIMIT_BAL":' in printed
    assert printed.endswith("Its seal holds.")

    assert scorebox("journal", "erase", "card_default", record.decision_id, "--yes")[0] == 0
    code, printed = scorebox("journal", "show", "card_default", record.decision_id)
    assert code == 0
    assert "LIMIT_BAL" not in printed
    assert printed.endswith("The applicant's fields have been erased. Its seal holds.")


def test_a_changed_decision_is_shown_with_a_warning(journaled: Journaled, scorebox: Run) -> None:
    name = journaled.ids[-1]
    forged.change(journaled.folder, [len(journaled.ids)], "band", "AAA")
    code, printed = scorebox("journal", "show", "card_default", name)
    assert code == 1
    assert "band AAA" in printed
    assert printed.endswith(f"error the seal of {name} is broken: somebody has changed its record, or the one before")
    forged.statement(journaled.folder, "UPDATE batches SET basis = 99")
    code, printed = scorebox("journal", "show", "card_default", name)
    assert (code, printed) == (1, f"error decision {name} cannot be read: somebody has changed its record")
    assert scorebox("journal", "show", "card_default", "another") == (
        1,
        snapshot("error journal/card_default has no decision another"),
    )
