"""Both history stores: the bits that were written, defaults for the unknown, and a line for each thing wrong."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import redis

from pipelines.watch.history import fill
from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.frames import Frame
from scoring.history.file import FileHistory
from scoring.history.opening import open_history
from scoring.history.store import HistoryError, HistoryStore, HistoryUnavailableError
from scoring.scorecards import load
from tests.histories import (
    CLIENTS,
    NUMBERS,
    READ,
    SCORECARD,
    SNAPSHOT,
    RedisServer,
    applications,
    filled,
    model,
    redis_address,
    redis_server,
    workspace,
)
from training.errors import StageError

KEYS = np.array([CLIENTS[2], 5, CLIENTS[0], CLIENTS[0]])
EXPECTED = np.array([[np.nan, 0], [np.nan, 0], [1.5, 3], [1.5, 3]], dtype=np.float32)


@pytest.fixture(params=["file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HistoryStore]:
    if request.param == "file":
        with closing(open_history(str(filled(tmp_path)), SCORECARD, READ)) as opened:
            yield opened
        return
    with redis_address(tmp_path) as address:
        fill(SCORECARD, workspace(tmp_path), address)
        with closing(open_history(address, SCORECARD, READ)) as opened:
            yield opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


def test_a_store_gives_the_bits_that_were_written_and_defaults_for_the_unknown(store: HistoryStore) -> None:
    values, known = store.read(KEYS)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, EXPECTED)
    assert known.tolist() == [True, False, True, True]


def test_a_store_reads_nobody_everybody_and_more_than_one_command_holds(store: HistoryStore) -> None:
    assert store.read(np.array([], dtype=np.int64))[0].shape == (0, 2)
    assert store.read(np.array(CLIENTS))[1].all()
    assert not store.read(np.array([1, 2]))[1].any()
    values, known = store.read(np.tile(KEYS, 700))
    np.testing.assert_array_equal(values, np.tile(EXPECTED, (700, 1)))
    assert known.sum() == 3 * 700


def test_a_store_tells_what_it_was_made_from(store: HistoryStore) -> None:
    record = store.record
    assert (record.scorecard, record.clients, record.snapshot_sha256) == (SCORECARD.name, 3, SNAPSHOT)
    assert record.columns == list(SCORECARD.history)
    assert record.created_at.endswith("+00:00")


def test_a_store_is_read_by_several_threads_at_once(store: HistoryStore) -> None:
    wrong: list[object] = []

    def read() -> None:
        for _ in range(50):
            values, _ = store.read(KEYS)
            if values.tobytes() != EXPECTED.tobytes():
                wrong.append(values)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_json_and_tables_get_the_same_columns_as_training(tmp_path: Path) -> None:
    from training.graph.inputs import graph_inputs

    frame = applications()
    columns = [*NUMBERS, *READ, "PURPOSE"]
    with closing(open_history(str(filled(tmp_path)), SCORECARD, READ)) as store:
        reader = Frame(SCORECARD, columns, store)
        fields = frame[["CLIENT", *NUMBERS, "PURPOSE"]]
        rows = [
            {column: None if pd.isna(value) else value for column, value in row.items()}
            for row in fields.astype(object).to_dict("records")
        ]
        by_json = reader.inputs([SCORECARD.application.model_validate(row) for row in rows])
        read = reader.read_table(pa.Table.from_pandas(fields, preserve_index=False))
        by_table = read.inputs
    trained = graph_inputs(frame, columns, SCORECARD.text_columns)
    assert by_json.numeric.tobytes() == by_table.numeric.tobytes() == trained.numeric.tobytes()
    assert by_json.known is not None
    assert by_json.known.all()
    assert (read.positions.tolist(), read.errors) == ([0, 1, 2], [])


def test_the_rows_of_a_table_that_are_broken_are_not_looked_up(tmp_path: Path) -> None:
    table = pa.table(
        {
            "CLIENT": pa.array([CLIENTS[0], None, 3]),
            "AMOUNT": [1.0, 2.0, 3.0],
            "INCOME": [1.0, 2.0, 3.0],
            "PURPOSE": ["car", "car", "house"],
        }
    )
    with closing(open_history(str(filled(tmp_path)), SCORECARD, READ)) as store:
        read = Frame(SCORECARD, model().graph.columns, store).read_table(table)
    assert read.inputs.known is not None
    assert (read.positions.tolist(), read.inputs.known.tolist(), read.errors[0].index) == ([0, 2], [True, False], 1)


def test_a_graph_that_reads_history_needs_a_store() -> None:
    with pytest.raises(ValueError, match="toy_history needs a history"):
        Frame(SCORECARD, model().graph.columns)


def test_a_file_that_is_no_store_of_this_scorecard_is_named(tmp_path: Path) -> None:
    path = filled(tmp_path)
    text = tmp_path / "text.sqlite"
    text.write_text("not a database")
    empty = tmp_path / "empty.sqlite"
    sqlite3.connect(empty).close()
    for address, scorecard, columns, message in (
        (
            tmp_path / "none.sqlite",
            SCORECARD,
            READ,
            "there is no history at .*; set SCOREBOX_HISTORY, or run: scorebox history toy_history",
        ),
        (text, SCORECARD, READ, "is not a history store"),
        (empty, SCORECARD, READ, "is not a history store"),
        (path, replace(SCORECARD, name="another"), READ, "holds the history of toy_history, not of another"),
        (path, SCORECARD, ["late_count", "worst"], "lacks the columns worst; run: scorebox history"),
    ):
        with pytest.raises(HistoryError, match=message) as raised:
            open_history(str(address), scorecard, columns)
        assert "\n" not in str(raised.value)


def test_a_damaged_row_is_no_unknown_client(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE clients SET history = x'00'")
        database.commit()
    with (
        closing(open_history(str(path), SCORECARD, READ)) as store,
        pytest.raises(HistoryUnavailableError, match="damaged rows"),
    ):
        store.read(KEYS)


def test_a_file_is_replaced_as_a_whole_while_it_is_read(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with closing(FileHistory(path, SCORECARD, READ)) as store:
        newer = applications()
        newer["late_count"] += 10
        filled(tmp_path, newer)
        np.testing.assert_array_equal(store.read(KEYS)[0], EXPECTED)
    with closing(FileHistory(path, SCORECARD, READ)) as store:
        assert store.read(np.array(CLIENTS))[0][:, 1].tolist() == [13, 11, 10]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["full", "history.sqlite"]


def test_a_fill_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = filled(tmp_path)
    before = path.read_bytes()
    doubled = applications()
    doubled.loc[1, "CLIENT"] = CLIENTS[0]
    with pytest.raises(StageError, match=r"cannot write .*: UNIQUE constraint failed"):
        filled(tmp_path, doubled)
    with pytest.raises(DataError, match="lacks the column late_mean; run: scorebox features"):
        filled(tmp_path, applications().drop(columns="late_mean"))
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["full", "history.sqlite"]


def test_a_new_version_in_redis_is_read_at_once_and_the_old_one_is_gone(server: RedisServer, tmp_path: Path) -> None:
    fill(SCORECARD, workspace(tmp_path), server.address)
    with (
        closing(open_history(server.address, SCORECARD, READ)) as store,
        redis.Redis.from_url(server.address) as client,
    ):
        store.read(KEYS)
        newer = applications()
        newer["late_count"] += 10
        first = store.record.created_at
        fill(SCORECARD, workspace(tmp_path, newer), server.address)
        assert store.read(np.array(CLIENTS))[0][:, 1].tolist() == [13, 11, 10]
        assert store.record.created_at >= first
        # The pointer, one record, and three rows.
        assert client.dbsize() == 5


def test_a_fill_of_redis_that_fails_leaves_the_old_version_alone(server: RedisServer, tmp_path: Path) -> None:
    fill(SCORECARD, workspace(tmp_path), server.address)

    def interrupt(what: str, rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(SCORECARD, workspace(tmp_path), server.address, interrupt)
    with (
        closing(open_history(server.address, SCORECARD, READ)) as store,
        redis.Redis.from_url(server.address) as client,
    ):
        np.testing.assert_array_equal(store.read(KEYS)[0], EXPECTED)
        assert client.dbsize() == 5


def test_a_redis_that_went_away_is_no_thin_file_and_is_found_again(server: RedisServer, tmp_path: Path) -> None:
    fill(SCORECARD, workspace(tmp_path), server.address)
    with closing(open_history(server.address, SCORECARD, READ)) as store:
        store.read(KEYS)
        server.stop()
        with pytest.raises(HistoryUnavailableError, match=r"does not answer \(ConnectionError\)"):
            store.read(KEYS)
        server.start()
        # It came back without what it held.
        with pytest.raises(HistoryUnavailableError, match="holds no history of toy_history"):
            store.read(KEYS)
        fill(SCORECARD, workspace(tmp_path), server.address)
        np.testing.assert_array_equal(store.read(KEYS)[0], EXPECTED)


def test_a_redis_that_cannot_serve_is_named_without_its_password(server: RedisServer, tmp_path: Path) -> None:
    port = server.address.rpartition(":")[2]
    with pytest.raises(HistoryError, match="holds no history of toy_history; run: scorebox history toy_history --to"):
        open_history(server.address, SCORECARD, READ)
    with pytest.raises(HistoryError, match=r"redis://127.0.0.1:\S+ cannot be read") as raised:
        open_history(f"redis://user:secret@127.0.0.1:{port}", SCORECARD, READ)
    assert "secret" not in str(raised.value)
    with pytest.raises(HistoryError, match="is not the address of a Redis"):
        open_history("redis://127.0.0.1:port", SCORECARD, READ)
    with redis.Redis.from_url(server.address) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(StageError, match="set its maxmemory-policy to noeviction"):
        fill(SCORECARD, workspace(tmp_path), server.address)
    server.stop()
    with pytest.raises(StageError, match="cannot be written"):
        fill(SCORECARD, workspace(tmp_path), server.address)


def test_a_scorecard_without_a_history_and_one_without_its_features_are_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="card_default has no history"):
        fill(load("card_default"), workspace(tmp_path))
    empty = Workspace(SCORECARD.name, "full", tmp_path / "empty")
    with pytest.raises(DataError, match=r"applications.parquet is missing; run: scorebox features toy_history"):
        fill(SCORECARD, empty)
    (empty.folder).mkdir(parents=True)
    empty.applications.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is not a whole Parquet file"):
        fill(SCORECARD, empty)


def test_the_history_is_not_written_over_the_applications_it_is_made_of(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    before = space.applications.read_bytes()
    (tmp_path / "link").symlink_to(space.applications)
    with pytest.raises(DataError, match="link is both read and written"):
        fill(SCORECARD, space, str(tmp_path / "link"))
    assert space.applications.read_bytes() == before


def test_applications_of_a_scorecard_without_a_history_say_nothing_of_one() -> None:
    card = load("card_default")
    frame = Frame(card, [rule.column for rule in card.rules if rule.required])
    assert frame.inputs([card.application.model_validate(card.example)]).known is None
