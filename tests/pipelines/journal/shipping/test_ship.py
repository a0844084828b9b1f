"""The journal in PostgreSQL: all of it, once, and what stands in its way by name."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.journal.shipping.database import Database
from pipelines.journal.shipping.shipper import ROWS, Copied, Shipper
from scoring.journal.erasure import erase
from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.schema import segments
from scoring.journal.shipped import Shipped
from scoring.journal.writer import Journal
from tests.pipelines.journal.shipping.copies import (
    FROM_THE_START,
    QUESTIONS,
    challenge,
    change,
    copied,
    copied_ids,
    copy_contents,
    ids,
    journal_contents,
    read,
    ship_all,
    ship_command,
)
from tests.scoring.journal import forged
from tests.scoring.journal.made_up import BASIS, append
from training.errors import StageError

NOTHING = Copied(decisions=0, challenges=0, erasures=0, expired=())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    """A journal in small segments."""
    made = Journal(folder, JournalLimits(sync="normal", segment_bytes=1 << 16, retention_months=1_200))
    made.open()
    yield made
    made.close()


def some(count: int) -> list[float]:
    """PDs on both sides of the cut-off."""
    pds: list[float] = np.random.default_rng(count).random(count).tolist()
    return pds


def test_the_copy_holds_every_decision_and_challenge_to_the_bit(
    folder: Path, journal: Journal, database: Database
) -> None:
    made = append(journal, some(50), applicant="anna")
    append(journal, [0.1], basis=BASIS.model_copy(update={"model": "card_default:2-fp32"}))
    challenge(journal, made.decision_ids[:20])
    assert ship_all(folder, database) == [Copied(decisions=51, challenges=20, erasures=0, expired=())]
    assert copy_contents(database, folder) == journal_contents(folder)


def test_a_second_time_copies_nothing_and_a_third_what_came_meanwhile(
    folder: Path, journal: Journal, database: Database
) -> None:
    append(journal, some(10))
    ship_all(folder, database)
    assert ship_all(folder, database) == [NOTHING]
    challenge(journal, append(journal, some(3)).decision_ids)
    assert ship_all(folder, database) == [Copied(decisions=3, challenges=3, erasures=0, expired=())]
    assert copy_contents(database, folder) == journal_contents(folder)


def test_many_segments_are_copied_in_several_transactions(folder: Path, journal: Journal, database: Database) -> None:
    for _ in range(2 * ROWS // 500):
        append(journal, some(500))
    append(journal, [0.5])
    assert len(segments(folder)) > 3
    assert [copied.decisions for copied in ship_all(folder, database)] == [ROWS, ROWS, 1]
    assert copy_contents(database, folder) == journal_contents(folder)


def test_what_was_erased_before_arrives_empty_and_what_is_erased_later_is_emptied(
    folder: Path, journal: Journal, database: Database, address: str
) -> None:
    made = append(journal, some(6), applicant="anna")
    challenge(journal, made.decision_ids)
    before, after, kept = made.decision_ids[0], made.decision_ids[1], made.decision_ids[2]
    erase(folder, [before])
    shipper = Shipper(folder, database)
    assert shipper.ship() == Copied(decisions=6, challenges=6, erasures=1, expired=())
    erase(folder, [after])
    assert shipper.ship() == Copied(decisions=0, challenges=0, erasures=1, expired=())
    assert shipper.ship() == NOTHING
    assert copy_contents(database, folder) == journal_contents(folder)
    empty = "applicant IS NULL AND application IS NULL AND inputs IS NULL AND salt IS NULL"
    found = read(address, f"SELECT decision_id::text AS name FROM journal.decisions WHERE {empty} ORDER BY sequence")
    assert [row["name"] for row in found] == [before, after]
    left = read(address, "SELECT decision_id::text AS name FROM journal.challenges WHERE inputs IS NOT NULL")
    assert kept in {row["name"] for row in left}
    assert len(left) == 4


def test_a_decision_of_an_old_segment_is_erased_in_the_copy_too(
    folder: Path, journal: Journal, database: Database
) -> None:
    first = append(journal, some(10)).decision_ids[0]
    while len(segments(folder)) < 3:
        append(journal, some(200))
    ship_all(folder, database)
    erase(folder, [first])
    # Another process, which knows nothing of the first one.
    assert ship_all(folder, database)[-1].erasures == 1
    assert copy_contents(database, folder) == journal_contents(folder)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_happens_in_between_the_copy_ends_up_as_the_journal(
    database: Database, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, JournalLimits(sync="normal", segment_bytes=1 << 16))
    journal.open()
    shippers = {"first": Shipper(folder, database), "second": Shipper(folder, database)}
    made: list[str] = []
    steps = ("append", "append", "challenge", "erase", *shippers)
    for step in data.draw(st.lists(st.sampled_from(steps), min_size=4, max_size=10)):
        if step in shippers:
            shippers[step].ship()
        elif step == "append":
            made += append(journal, some(data.draw(st.integers(1, 200))), applicant="anna").decision_ids
        elif step == "challenge" and made:
            challenge(journal, made[-3:])
        elif made:
            erase(folder, [data.draw(st.sampled_from(made))])
    shippers["first"].ship()
    assert copy_contents(database, folder) == journal_contents(folder)
    journal.close()


def test_two_journals_share_a_database(tmp_path: Path, database: Database, address: str) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        journal = Journal(folder)
        journal.open()
        append(journal, some(5))
        journal.close()
        ship_all(folder, database)
    assert sorted(copied_ids(address)) == sorted(ids(folders[0]) + ids(folders[1]))


@pytest.mark.slow
def test_a_killed_shipper_leaves_whole_transactions_and_the_next_one_goes_on(
    folder: Path, journal: Journal, address: str
) -> None:
    for _ in range(8):
        append(journal, some(1_000))
    killed = ship_command(folder, address)
    killed.until(lambda: copied(address) > 0)
    killed.kill()
    found = copied(address)
    assert found % ROWS == 0
    assert found < 8_000
    assert ship_command(folder, address).ended()[0] == 0
    assert copied_ids(address) == ids(folder)


def test_the_command_says_what_it_copied_and_leaves_the_position(folder: Path, journal: Journal, address: str) -> None:
    made = append(journal, some(4))
    challenge(journal, made.decision_ids[:1])
    erase(folder, made.decision_ids[:2])
    code, said = ship_command(folder, address).ended()
    assert code == 0
    assert " ".join(said.splitlines()[-1].split()) == (
        f"ship 4 decisions, 1 challenges, 2 erasures to {Database(address).name}"
    )
    position = Shipped.read(folder)
    assert position is not None
    assert (position.decisions, position.challenges, position.lag(folder)) == (4, 1, 0.0)


def test_the_document_s_questions_have_answers(
    folder: Path, journal: Journal, database: Database, address: str
) -> None:
    made = append(journal, [0.125, 0.5, 0.75], applicant="anna", decided_at="2026-11-20T23:59:59.999+00:00")
    challenge(journal, made.decision_ids[:2])
    ship_all(folder, database)
    day, of_applicant, reasons, otherwise = [read(address, query) for query in QUESTIONS]
    assert day == [
        {
            "scorecard": "card_default",
            "model": "card_default:1-fp32",
            "policy": "card_default-0123456789ab",
            "decisions": 3,
            "declined": 2,
        }
    ]
    assert [str(row["decision_id"]) for row in of_applicant] == made.decision_ids
    assert of_applicant[0]["application"] == {"PAY_0": 0.125, "LIMIT_BAL": 1000}
    assert reasons == [{"code": "DELAYS", "count": 2}]
    assert [str(row["decision_id"]) for row in otherwise] == made.decision_ids[1:2]


def test_a_journal_that_lost_its_id_is_not_copied_twice(folder: Path, journal: Journal, address: str) -> None:
    append(journal, some(20))
    database = Database(address)
    ship_all(folder, database)
    journal.close()
    (folder / "id").unlink()
    journal.open()
    append(journal, some(5))
    ship_all(folder, database)
    assert sorted(copied_ids(address)) == sorted(ids(folder))
    database.engine.dispose()


def test_a_copy_that_differs_is_named_with_its_columns_and_nothing_is_skipped(
    folder: Path, journal: Journal, database: Database, address: str
) -> None:
    made = append(journal, some(8)).decision_ids
    ship_all(folder, database)
    change(address, f"UPDATE journal.decisions SET band = 'Z', points = 1 WHERE decision_id = '{made[3]}'")
    change(address, f"UPDATE journal.decisions SET proof = '\\x00' WHERE decision_id = '{made[5]}'")
    change(address, FROM_THE_START)
    append(journal, some(2))
    code, said = ship_command(folder, address).ended()
    assert code == 1
    assert said.splitlines()[-1] == (
        f"error 2 decisions are in {database.name} with other contents than in the journal: {made[3]} (points, band), "
        f"{made[5]} (proof); nothing from there on is copied until they are put right"
    )
    assert copied_ids(address) == made
    change(address, f"UPDATE journal.decisions SET band = 'A', points = 600 WHERE decision_id = '{made[3]}'")
    change(address, f"DELETE FROM journal.decisions WHERE decision_id = '{made[5]}'")
    ship_all(folder, database)
    assert copy_contents(database, folder) == journal_contents(folder)


def test_another_record_in_the_place_of_one_is_named(
    folder: Path, journal: Journal, database: Database, address: str
) -> None:
    made = append(journal, some(3)).decision_ids
    ship_all(folder, database)
    change(address, f"UPDATE journal.decisions SET decision_id = gen_random_uuid() WHERE decision_id = '{made[1]}'")
    change(address, FROM_THE_START)
    with pytest.raises(StageError, match=rf"^1 decisions .*: {made[1]} \(its sequence is another record's\);"):
        ship_all(folder, database)


def test_a_challenge_that_differs_is_named(folder: Path, journal: Journal, database: Database, address: str) -> None:
    made = append(journal, some(3)).decision_ids
    challenge(journal, made)
    ship_all(folder, database)
    change(address, f"UPDATE journal.challenges SET declined = true WHERE decision_id = '{made[2]}'")
    change(address, FROM_THE_START)
    with pytest.raises(StageError, match=rf"^1 challenges .*: {made[2]} \(declined\);"):
        ship_all(folder, database)


def test_a_changed_record_of_the_journal_is_named_and_those_before_it_are_copied(
    folder: Path, journal: Journal, database: Database, address: str
) -> None:
    made = append(journal, some(5)).decision_ids
    journal.close()
    forged.change(folder, [4], "declined", lambda declined: not declined)
    shipper = Shipper(folder, database)
    assert shipper.ship().decisions == 3
    with pytest.raises(StageError, match=rf"^decision {made[3]}, number 4 .* is not what was sealed"):
        shipper.ship()
    assert copied_ids(address) == made[:3]


def test_an_older_copy_of_the_folder_in_the_place_of_the_journal_is_noticed(
    folder: Path, journal: Journal, database: Database, tmp_path: Path
) -> None:
    append(journal, some(3))
    journal.close()
    shutil.copytree(folder, tmp_path / "backup")
    journal.open()
    append(journal, some(3))
    ship_all(folder, database)
    older = Journal(tmp_path / "backup")
    older.open()
    with pytest.raises(StageError, match=r"holds 6 decisions .* which has fewer"):
        ship_all(older.folder, database)
    append(older, some(5))
    with pytest.raises(StageError, match=r"number 7 .* is not what was sealed"):
        ship_all(older.folder, database)
    older.close()


def test_what_retention_removed_before_it_was_copied_is_said_and_the_rest_copied(
    folder: Path, journal: Journal, address: str
) -> None:
    while len(segments(folder)) < 4:
        append(journal, some(100))
    segments(folder)[0].unlink()
    _, first, *_ = JournalReader(folder).starts()[0]
    code, said = ship_command(folder, address).ended()
    assert code == 0
    assert f"not copied, since retention removed them before: decisions 1 to {first - 1}" in said
    assert copied_ids(address) == ids(folder)


@pytest.mark.slow
def test_following_waits_for_the_journal_goes_on_and_ends_on_sigterm(folder: Path, address: str) -> None:
    command = ship_command(folder, address, "--follow")
    assert command.says() == f"ship {folder} to {Database(address).name}, until SIGTERM"
    assert command.says() == f"ship waits: there is no journal in {folder}"
    journal = Journal(folder)
    journal.open()
    assert command.says() == "ship goes on"
    append(journal, some(5))
    command.until(lambda: copied(address) == 5)
    append(journal, some(5))
    command.until(lambda: copied(address) == 10)
    journal.close()
    code, said = command.stop()
    assert (code, " ".join(said.split())) == (0, "ship ends: 10 records copied")


@pytest.mark.slow
def test_a_shipper_whose_database_hangs_ends_on_sigterm_and_has_left_its_position(
    folder: Path, journal: Journal, address: str, database: Database
) -> None:
    append(journal, [0.1])
    # One takes connections and says nothing; the other stops in the middle of a transaction.
    with socket.create_server(("127.0.0.1", 0)) as silent, psycopg.connect(address) as holder:
        port = silent.getsockname()[1]
        mute = ship_command(folder, f"postgresql://clerk@127.0.0.1:{port}/copies?connect_timeout=3600", "--follow")
        connection, _ = silent.accept()
        assert Shipped.read(folder) == Shipped(decisions=0, challenges=0, shipped_at=None)
        holder.execute("LOCK TABLE journal.journals")
        held = ship_command(folder, address, "--follow")
        waits = "SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted AND relation = 'journal.journals'::regclass"
        held.until(lambda: read(address, waits)[0]["waiting"] > 0)
        for command in (mute, held):
            command.process.send_signal(signal.SIGTERM)
        for command in (mute, held):
            code, said = command.ended()
            assert code == 0
            assert [" ".join(line.split()) for line in said.splitlines()[-2:]] == [
                "ship does not wait for a transaction that does not end; the next shipper copies its records",
                "ship ends: 0 records copied",
            ]
        connection.close()
    assert ship_all(folder, database) == [Copied(decisions=1, challenges=0, erasures=0, expired=())]


@pytest.mark.slow
def test_a_server_that_is_away_is_one_line_without_the_password(folder: Path, journal: Journal) -> None:
    append(journal, [0.1])
    code, said = ship_command(folder, "postgresql://clerk:s3cret@127.0.0.1:1/copies").ended()
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("error PostgreSQL at 127.0.0.1/copies does not serve: ")
    assert "s3cret" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://clerk:s3cret@s3cret@127.0.0.1/copies",
        "postgresql://clerk@127.0.0.1:s3cret/copies",
        "mysql://clerk:s3cret@127.0.0.1/copies",
        "s3cret",
    ],
)
def test_a_wrong_address_is_refused_without_being_shown(wrong: str) -> None:
    with pytest.raises(StageError, match=r"^the database's address must be postgresql://") as raised:
        Database(wrong)
    assert "s3cret" not in str(raised.value)


def test_the_application_of_a_refused_row_is_in_no_message(
    folder: Path, journal: Journal, address: str, database: Database
) -> None:
    change(address, "ALTER TABLE journal.decisions ADD CHECK (points < 100)")
    append(journal, some(2), applicant="anna")
    with pytest.raises(StageError) as raised:
        ship_all(folder, database)
    assert str(raised.value) == f"PostgreSQL at {database.name} refuses: CheckViolation (23514)"


def test_the_lag_is_the_age_of_the_oldest_record_that_is_not_copied(folder: Path, journal: Journal) -> None:
    assert Shipped.read(folder) is None
    append(journal, [0.1], decided_at="2020-01-01T00:00:00.000+00:00")
    while len(segments(folder)) < 3:
        append(journal, some(100), decided_at="2021-01-01T00:00:00.000+00:00")
    last = journal.last_sequence

    def years(decisions: int, challenges: int = 0) -> float:
        shipped = Shipped(decisions=decisions, challenges=challenges, shipped_at="2020-01-01T00:00:00.000+00:00")
        return shipped.lag(folder) / (365 * 24 * 3_600)

    assert years(0) > years(1) + 0.9
    assert years(1) == pytest.approx(years(last - 1), rel=1e-3)
    assert years(last) == 0
    challenge(journal, ids(folder)[:1])
    assert 0 <= years(last) < 0.01
    assert years(last, 1) == 0
