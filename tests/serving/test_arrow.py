"""Arrow bodies: the same verdicts as JSON, and nothing in one that breaks the service."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import example as with_example
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.journal.reader import JournalReader
from scoring.journal.writer import Journal
from scoring.policy import CutoffPolicy
from serving.arrow import ARROW_STREAM, TableRows, read_rows
from serving.batches import BrokenRow
from serving.problems import ProblemError
from tests.serving.conftest import Service, startup_config
from tests.serving.toy import SCORECARD

pytestmark = pytest.mark.anyio

STREAM = ARROW_STREAM.decode()
KINDS = {rule.column: pa.int64() if rule.kind == "integer" else pa.float64() for rule in SCORECARD.rules}


def table_of(applications: list[dict[str, Any]]) -> pa.Table:
    columns = {name: pa.array([row.get(name) for row in applications], KINDS[name]) for name in KINDS}
    return pa.table(columns)


def stream_of(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


async def post(service: Service, body: bytes, **headers: str) -> Any:
    return await service.client.post("/predict_batch", content=body, headers={"content-type": STREAM} | headers)


async def test_a_table_gets_the_decisions_that_json_gets(service: Service, example: dict[str, Any]) -> None:
    applications = [example | {"PAY_0": status} for status in range(-2, 9)]
    by_arrow = (await post(service, stream_of(table_of(applications)))).json()
    by_json = (await service.client.post("/predict_batch", json={"applications": applications})).json()
    assert [row["pd"] for row in by_arrow["decisions"]] == [row["pd"] for row in by_json["decisions"]]
    assert by_arrow["errors"] == by_json["errors"] == []


async def test_a_table_gets_a_table_when_it_asks_for_one(service: Service, example: dict[str, Any]) -> None:
    applications = [example, example | {"EDUCATION": 9}, example | {"PAY_0": 8}]
    response = await post(service, stream_of(table_of(applications)), accept=STREAM)
    assert response.headers["content-type"] == STREAM
    table = pa.ipc.open_stream(response.content).read_all()
    decisions = (await post(service, stream_of(table_of(applications)))).json()["decisions"]
    for name in ("pd", "prediction", "decision", "points", "band"):
        assert table.column(name).to_pylist() == [row and row[name] for row in decisions]
    reasons = [row and [(one["code"], one["statement"]) for one in row["reasons"]] for row in decisions]
    assert [
        row and [(one["code"], one["statement"]) for one in row] for row in table.column("reasons").to_pylist()
    ] == reasons
    assert ("RECENT_PAYMENT_DELAY", "LATE") in reasons[2]
    assert table.column("errors").to_pylist() == [
        None,
        [
            {
                "field": "EDUCATION",
                "rule": "less_than_equal",
                "message": "Input should be less than or equal to 6",
            }
        ],
        None,
    ]
    assert table.schema.metadata == {
        b"scorecard": b"card_default",
        b"model": b"card_default:1.0.0-fp32",
        b"variant": b"fp32",
        b"policy": CutoffPolicy.of(SCORECARD).id.encode(),
        b"cutoff": str(SCORECARD.cutoff).encode(),
        b"groups": ",".join(group.code for group in SCORECARD.reasons).encode(),
        b"broken": b"1",
        b"named": b"1",
    }


async def test_a_table_longer_than_a_batch_is_scored_in_parts(
    make_service: Callable[..., Service], example: dict[str, Any]
) -> None:
    rows = 2_500
    statuses = [index % 11 - 2 for index in range(rows)]
    applications = [example | {"PAY_0": status} for status in statuses]
    service = make_service(max_batch_size=300)
    decisions = (await post(service, stream_of(table_of(applications)))).json()["decisions"]
    assert len({row["decision_id"] for row in decisions}) == rows
    expected = {status: decisions[index]["pd"] for index, status in enumerate(statuses[:11])}
    assert [row["pd"] for row in decisions] == [expected[status] for status in statuses]
    whole = pa.ipc.open_stream((await post(service, stream_of(table_of(applications)), accept=STREAM)).content)
    assert whole.read_all().num_rows == rows


async def test_the_columns_may_come_in_any_order_name_and_width(service: Service, example: dict[str, Any]) -> None:
    table = table_of([example])
    narrow = {name: table.column(name).cast(pa.int32() if name != "LIMIT_BAL" else pa.float32()) for name in KINDS}
    renamed = pa.table({name.lower(): narrow[name] for name in reversed(KINDS)})
    first, second = [(await post(service, stream_of(part))).json()["decisions"][0]["pd"] for part in (table, renamed)]
    assert first == second


TAKEN: dict[str, Callable[[pa.Array], pa.Array]] = {
    "narrow": lambda values: values.cast(pa.int8()),
    "unsigned": lambda values: values.cast(pa.uint64()),
    "floats": lambda values: values.cast(pa.float32()),
    "NaN for null": lambda values: values.cast(pa.float64()).fill_null(float("nan")),
    "decimals": lambda values: values.cast(pa.decimal128(38, 10)),
    "wide decimals": lambda values: values.cast(pa.decimal256(76, 10)),
    "a dictionary": lambda values: values.dictionary_encode(),
    "a dictionary of decimals": lambda values: values.cast(pa.decimal128(22, 2)).dictionary_encode(),
}


@pytest.mark.parametrize("form", TAKEN)
async def test_whole_numbers_come_in_every_type_that_holds_them(
    make_service: Callable[..., Service], example: dict[str, Any], tmp_path: Path, form: str
) -> None:
    rows = [example | {"EDUCATION": 1 + index % 4, "SEX": [1, 2, None][index % 3]} for index in range(12)]
    table = table_of(rows)
    retyped = pa.table({
        name: TAKEN[form](column.combine_chunks()) if name in {"EDUCATION", "SEX", "PAY_AMT1"} else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    })  # fmt: skip
    assert retyped.schema != table.schema
    kept = []
    for number, sent in enumerate((table, retyped)):
        journal = Journal(tmp_path / str(number))
        journal.open()
        service = make_service(startup_config(journal=journal))
        answer = (await post(service, stream_of(sent))).json()
        assert answer["errors"] == []
        journal.close()
        applications = [record.application for record in JournalReader(tmp_path / str(number)).decisions()]
        kept.append(([row["pd"] for row in answer["decisions"]], [orjson.loads(text or "") for text in applications]))
    assert kept[0] == kept[1]


@pytest.mark.parametrize("kind", [pa.null(), pa.string(), pa.string_view(), pa.bool_(), pa.date32()], ids=str)
async def test_a_column_of_nothing_but_null_may_have_any_type_where_it_may_be_missing(
    service: Service, example: dict[str, Any], kind: pa.DataType
) -> None:
    table = _without("SEX").append_column("SEX", pa.nulls(1, kind))
    assert (await post(service, stream_of(table))).json()["errors"] == []
    required = _without("PAY_0").append_column("PAY_0", pa.nulls(1, kind))
    (row,) = (await post(service, stream_of(required))).json()["rows"]
    assert [(error["field"], error["rule"]) for error in row["errors"]] == [("PAY_0", "missing")]


async def test_a_fraction_where_a_whole_number_belongs_breaks_its_row_only(
    service: Service, example: dict[str, Any]
) -> None:
    values = pa.array([Decimal("2.00"), Decimal("2.50")])
    for column in (values, values.cast(pa.float64()), values.dictionary_encode()):
        table = pa.concat_tables([_without("PAY_0")] * 2).append_column("PAY_0", column)
        (row,) = (await post(service, stream_of(table))).json()["errors"]
        assert row["index"] == 1
        assert [(error["field"], error["rule"]) for error in row["errors"]] == [("PAY_0", "int_type")]


async def test_bytes_after_the_end_of_a_stream_are_refused(service: Service, example: dict[str, Any]) -> None:
    body = stream_of(table_of([example]))
    for rest in (b"more", body):
        response = await post(service, body + rest)
        assert response.status_code == 400
        assert response.json()["detail"] == f"{len(rest)} bytes follow the end of the Arrow stream"


async def test_a_table_without_a_good_row_is_refused(service: Service, example: dict[str, Any]) -> None:
    response = await post(service, stream_of(table_of([example | {"AGE": 5}] * 3)))
    assert response.status_code == 422
    assert [row["index"] for row in response.json()["rows"]] == [0, 1, 2]


async def test_the_reasons_of_many_broken_rows_are_bounded(service: Service, example: dict[str, Any]) -> None:
    table = table_of([example | {"PAY_0": 99}] * 3_000 + [example])
    body = (await post(service, stream_of(table))).json()
    assert (len(body["errors"]), body["broken"]) == (1000, 3_000)
    assert [row is None for row in body["decisions"]] == [True] * 3_000 + [False]
    answer = pa.ipc.open_stream((await post(service, stream_of(table), accept=STREAM)).content).read_all()
    assert (answer.schema.metadata[b"broken"], answer.schema.metadata[b"named"]) == (b"3000", b"1000")


@pytest.mark.parametrize(
    ("accept", "arrow"),
    [
        ("Application/Vnd.Apache.Arrow.Stream", True),
        ("application/json;q=0.5, application/vnd.apache.arrow.stream", True),
        ("application/vnd.apache.arrow.stream ; q=1.0,*/*", True),
        ("application/json, application/vnd.apache.arrow.stream;q=0.9", False),
        ("application/vnd.apache.arrow.stream;q=0", False),
        ("application/vnd.apache.arrow.streams", False),
        ("*/*", False),
        ("application/vnd.apache.arrow.stream;q=nonsense", True),
        ("", False),
    ],
)
async def test_accept_is_read_as_a_list_of_weighted_types_in_any_case(
    service: Service, example: dict[str, Any], accept: str, arrow: bool
) -> None:
    response = await post(service, stream_of(table_of([example])), accept=accept)
    assert response.headers["content-type"] == (STREAM if arrow else "application/json")


def _without(name: str) -> pa.Table:
    return table_of([dict(SCORECARD.example)]).drop_columns([name])


def _replaced(name: str, values: pa.Array) -> pa.Table:
    table = _without(name)
    return table.append_column(name, values)


BROKEN_TABLES: dict[str, tuple[pa.Table, str, str]] = {
    "a column is missing": (_without("PAY_0"), "PAY_0", "missing"),
    "a column is unknown": (_replaced("SEX", pa.array([1])).rename_columns(
        [*[name for name in KINDS if name != "SEX"], "colour"]), "colour", "extra_forbidden"),
    "a column is given twice": (table_of([dict(SCORECARD.example)]).append_column("PAY_0", pa.array([1])),
        "PAY_0", "duplicate"),
    "a column is given by both names": (table_of([dict(SCORECARD.example)]).append_column("pay_0", pa.array([1])),
        "pay_0", "duplicate"),
    "text": (_replaced("PAY_0", pa.array(["1"])), "PAY_0", "int_type"),
    "booleans": (_replaced("LIMIT_BAL", pa.array([True])), "LIMIT_BAL", "float_type"),
    "dates": (_replaced("AGE", pa.array([1], pa.date32())), "AGE", "int_type"),
    "a dictionary of text": (_replaced("PAY_0", pa.array(["1"]).dictionary_encode()), "PAY_0", "int_type"),
    "a long view": (_replaced("PAY_0", pa.array(["1" * 1_001], pa.string_view())), "PAY_0", "string_too_long"),
    "runs": (_replaced("PAY_0", pa.RunEndEncodedArray.from_arrays([1], [1])), "PAY_0", "int_type"),
    "lists": (_replaced("LIMIT_BAL", pa.array([[1.0]])), "LIMIT_BAL", "float_type"),
    "no rows": (table_of([]), "(body)", "too_short"),
    "too many columns": (pa.table({f"c{index}": [1] for index in range(1_001)}), "(body)", "too_long"),
}  # fmt: skip


@pytest.mark.parametrize(("table", "field", "rule"), BROKEN_TABLES.values(), ids=BROKEN_TABLES.keys())
async def test_a_broken_table_is_refused_by_column_and_rule(
    service: Service, table: pa.Table, field: str, rule: str
) -> None:
    response = await post(service, stream_of(table))
    assert response.status_code == 422
    assert [(error["field"], error["rule"]) for error in response.json()["errors"]] == [(field, rule)]


async def test_too_many_rows_are_refused(make_service: Callable[..., Service], example: dict[str, Any]) -> None:
    service = make_service(max_arrow_rows=10)
    table = table_of([example] * 4)
    assert (await post(service, stream_of(pa.concat_tables([table] * 2)))).status_code == 200
    response = await post(service, stream_of(pa.concat_tables([table] * 3)))
    assert response.status_code == 422
    assert [error["rule"] for error in response.json()["errors"]] == ["too_long"]


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
async def test_compressed_buffers_are_refused(service: Service, example: dict[str, Any], codec: str) -> None:
    response = await post(service, stream_of(table_of([example] * 1_000), compression=codec))
    assert response.status_code == 422
    assert [error["rule"] for error in response.json()["errors"]] == ["compression"]


async def test_a_batch_that_claims_more_rows_than_it_has_is_refused(service: Service, example: dict[str, Any]) -> None:
    """Its buffers would be read beyond their end."""
    rows = 1_234
    body = stream_of(table_of([example] * rows))
    lied = body.replace(struct.pack("<q", rows), struct.pack("<q", rows * 10))
    assert lied != body
    response = await post(service, lied)
    assert response.status_code == 400


@pytest.mark.parametrize("content", [b"", b"\xff\xff\xff\xff\x00\x00\x00\x00", b"ARROW1\x00\x00", b"\x00" * 100, b"{}"])
async def test_what_is_no_stream_is_refused(service: Service, content: bytes) -> None:
    response = await post(service, content)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_file_is_no_stream(service: Service, example: dict[str, Any]) -> None:
    sink = pa.BufferOutputStream()
    table = table_of([example])
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    assert (await post(service, sink.getvalue().to_pybytes())).status_code == 400


async def test_a_stream_cut_anywhere_is_never_an_error_of_the_service(
    service: Service, example: dict[str, Any]
) -> None:
    body = stream_of(table_of([example] * 50))
    for length in range(1, len(body), 97):
        assert (await post(service, body[:length])).status_code in {200, 400, 422}


async def test_an_arrow_body_beyond_the_limit_is_refused(make_service: Callable[..., Service]) -> None:
    service = make_service(max_arrow_bytes=2048)
    assert (await post(service, b"\x00" * 2049)).status_code == 413


SERVICE = Service()
ROWS_OF_BODY = table_of([dict(SCORECARD.example)] * 20)
BODIES = [
    stream_of(ROWS_OF_BODY),
    # Dictionaries, and views of texts longer than fit into a view.
    stream_of(
        ROWS_OF_BODY.set_column(0, "LIMIT_BAL", ROWS_OF_BODY.column("LIMIT_BAL").dictionary_encode()).set_column(
            1, "SEX", pa.array(["a text of some length", None] * 10, pa.string_view())
        )
    ),
]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(BODIES), st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_flipped_bytes_are_read_or_refused(whole: bytes, changes: list[tuple[int, int]]) -> None:
    body = bytearray(whole)
    for position, value in changes:
        body[position % len(body)] = value
    try:
        table = _read(bytes(body))
    except ProblemError as problem:
        status = int(problem.status)
    else:
        assert len(table.rows) == len(table.positions) <= table.count <= 100_000
        status = 200
    assert status in {200, 400, 422}


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-2e7, 2e7) | st.integers(-20, 200).map(float)
ROWS = st.fixed_dictionaries(
    {
        rule.column: st.none()
        | (st.integers(-(2**40), 2**40) | st.integers(-4, 130) if rule.kind == "integer" else NUMBERS)
        for rule in SCORECARD.rules
    }
)
EXAMPLE_ROWS = st.builds(
    lambda changes: dict(SCORECARD.example) | {name: changes[name] for name in list(changes)[:2]},
    st.dictionaries(st.sampled_from(SCORECARD.columns), st.none(), max_size=0)
    | st.builds(
        lambda row, names: {name: row[name] for name in names}, ROWS, st.sets(st.sampled_from(SCORECARD.columns))
    ),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(ROWS | EXAMPLE_ROWS, min_size=1, max_size=6))
@with_example([dict(SCORECARD.example) | {"LIMIT_BAL": 1e39}])
def test_a_row_gets_the_same_verdict_in_a_table_as_in_json(applications: list[dict[str, Any]]) -> None:
    frame = SERVICE.core._models.frame
    table = _read(stream_of(table_of(applications)))
    by_json = [SERVICE.core.batch.model_validate({"applications": [row]}).applications[0] for row in applications]
    good = [row for row in by_json if not isinstance(row, BrokenRow)]
    assert table.positions.tolist() == [index for index, row in enumerate(by_json) if not isinstance(row, BrokenRow)]
    if good:
        np.testing.assert_array_equal(table.rows.inputs.numeric, frame.inputs(good).numeric)
    broken = {error.index: {item.field for item in error.errors} for error in table.errors}
    assert broken == {
        index: {item.field for item in row.errors} for index, row in enumerate(by_json) if isinstance(row, BrokenRow)
    }


def _read(body: bytes) -> TableRows:
    return read_rows(body, SERVICE.core._models.frame, 100_000)
