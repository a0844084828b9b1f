"""Columns of every type that Arrow has: taken by their values, refused by name, never rounded in silence."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.application import FieldRule
from scoring.tables.columns import ColumnValues, UnfitColumnError, read_column

INTEGER = FieldRule("months", "MONTHS", "integer", required=False, minimum=-1000, maximum=1000)
NUMBER = FieldRule("amount", "AMOUNT", "number", required=False, minimum=-1e12, maximum=1e12)
WIDE = FieldRule("anything", "ANYTHING", "number", required=False)
TEXT = FieldRule("purpose", "PURPOSE", "text", required=False, choices=("car", "a flat", "Möbel"))

INTEGERS = (pa.int16(), pa.int32(), pa.int64(), pa.float16(), pa.float32(), pa.float64())
TEXTS = (pa.string(), pa.large_string(), pa.string_view())


def read(
    values: pa.Array | pa.ChunkedArray, rule: FieldRule = INTEGER, *, optional: bool = True, **how: Any
) -> ColumnValues:
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    return read_column(rule.column, column, rule, optional=optional, **how)


def broken(found: ColumnValues) -> list[str | None]:
    """The first rule that each row breaks."""
    return [
        next((rule for passed, rule, _ in found.verdicts if not passed[row]), None) for row in range(len(found.values))
    ]


def members(found: ColumnValues) -> list[Any]:
    values = found.members(np.arange(len(found.values)))
    return [None if isinstance(value, float) and np.isnan(value) else value for value in values]


def every_form(values: list[int | None]) -> dict[str, pa.Array]:
    """The same whole numbers in each type that holds them."""
    forms = {str(kind): pa.array(values, pa.float64()).cast(kind) for kind in INTEGERS}
    if all(value is None or -128 <= value < 128 for value in values):
        forms["int8"] = pa.array(values, pa.int8())
    if all(value is None or value >= 0 for value in values):
        forms |= {str(kind): pa.array(values, kind) for kind in (pa.uint16(), pa.uint32(), pa.uint64())}
    decimals = [None if value is None else Decimal(value) for value in values]
    forms |= {str(kind): pa.array(decimals, kind) for kind in (
        pa.decimal32(9, 2), pa.decimal64(18, 6), pa.decimal128(38, 0), pa.decimal128(38, 18), pa.decimal256(76, 30)
    )}  # fmt: skip
    forms |= {f"dictionary of {name}": forms[name].dictionary_encode() for name in ("int16", "double")}
    forms["NaN for null"] = pa.array([float("nan") if value is None else float(value) for value in values])
    if all(value is None for value in values):
        forms |= {str(kind): pa.nulls(len(values), kind) for kind in (pa.null(), *TEXTS, pa.bool_(), pa.date32())}
    return forms


@given(st.lists(st.none() | st.integers(-1000, 1000), min_size=1, max_size=8))
def test_whole_numbers_are_the_same_in_every_type_that_holds_them(values: list[int | None]) -> None:
    for name, form in every_form(values).items():
        for rule in (INTEGER, NUMBER):
            found = read(form, rule)
            assert broken(found) == [None] * len(values), name
            assert found.present.tolist() == [value is not None for value in values], name
            assert members(found) == values, name
        if name != "NaN for null" and not name.startswith("dictionary"):
            required = read(form, INTEGER, optional=False)
            assert broken(required) == ["missing" if value is None else None for value in values], name


@given(st.lists(st.none() | st.integers(-1000, 1000), min_size=1, max_size=8), st.sampled_from(["{}", "{}.0", "{}e0"]))
def test_whole_numbers_are_the_same_as_cells_of_a_file(values: list[int | None], written: str) -> None:
    cells = [None if value is None else written.format(value) for value in values]
    for kind in (pa.string(), pa.large_string()):
        found = read(pa.array(cells, kind), as_text=True)
        assert broken(found) == [None] * len(values)
        assert members(found) == values


@given(st.integers(-1000, 1000), st.integers(0, 30), st.integers(0, 9))
def test_a_fraction_is_no_whole_number_however_small_it_is(whole: int, place: int, digit: int) -> None:
    value = Decimal(f"{whole}.{'0' * place}{digit}")
    found = read(pa.array([value], pa.decimal256(76, 31)))
    assert broken(found) == [None if digit == 0 else "int_type"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_taken_as_it_is_and_its_text_gives_the_same_bits(value: float) -> None:
    typed, written = read(pa.array([value]), WIDE), read(pa.array([repr(value)]), WIDE, as_text=True)
    assert broken(typed) == broken(written) == [None]
    assert typed.values.tobytes() == written.values.tobytes() == np.array([value]).tobytes()


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(1, 38))
def test_a_decimal_has_the_bits_of_its_text(digits: int, scale: int) -> None:
    value = Decimal(f"{digits}e-{scale}")
    found = read(pa.array([value], pa.decimal128(38, scale)), WIDE)
    assert found.values.tobytes() == np.array([float(value)]).tobytes()
    assert broken(found) == ["safe_integer" if abs(float(value)) >= 2**53 else None]


@given(st.integers(-(2**63), 2**64 - 1))
def test_no_whole_number_loses_digits_in_silence(value: int) -> None:
    columns = [pa.array([Decimal(value)], pa.decimal128(20, 0))]
    columns += [pa.array([value], pa.int64())] if value < 2**63 else []
    columns += [pa.array([value], pa.uint64())] if value >= 0 else []
    for column in columns:
        for rule in (INTEGER, NUMBER, WIDE):
            found = read(column, rule)
            if broken(found) == [None]:
                assert int(found.values[0]) == value
            elif rule is not WIDE:
                bound = "less_than_equal" if value > 0 else "greater_than_equal"
                assert broken(found) == [bound]
            else:
                assert broken(found) == ["safe_integer"]


GRAMMAR = re.compile(r"[ \t]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[ \t]*", re.ASCII)


@given(st.lists(st.text("0123456789+-.eExX n_,", min_size=1, max_size=8), min_size=1, max_size=6))
def test_one_grammar_holds_for_the_numbers_of_files(cells: list[str]) -> None:
    fits = [GRAMMAR.fullmatch(cell) is not None for cell in cells]
    for rule, name in ((WIDE, "float_parsing"), (INTEGER, "int_parsing")):
        found = read(pa.array(cells), rule, as_text=True)
        assert [rule == name for rule in broken(found)] == [not fit for fit in fits]
        assert found.values[fits].tolist() == [float(cell) for cell, fit in zip(cells, fits, strict=True) if fit]


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_a_number_of_json_is_the_same_number_in_a_file(text: str) -> None:
    found = read(pa.array([text]), WIDE, as_text=True)
    assert broken(found) == [None]
    assert found.values.tolist() == [float(json.loads(text))]


@pytest.mark.parametrize("cell", ["0x2", "0X1F", "1_000", "1,5", "1.000,5", "٣", "true", "--1", "1e", "0b1", "1f"])
@pytest.mark.parametrize("rule", [INTEGER, NUMBER])
def test_what_is_no_number_in_json_is_none_in_a_file(cell: str, rule: FieldRule) -> None:
    found = read(pa.array(["7", cell, None]), rule, as_text=True)
    assert broken(found) == [None, "int_parsing" if rule is INTEGER else "float_parsing", None]
    assert found.present.tolist() == [True, False, False]


@pytest.mark.parametrize("cell", ["2", "+2", "2.0", "2.", "002", "2e0", "+20e-1", " 2 ", "2\t"])
def test_what_can_mean_one_number_only_is_that_number(cell: str) -> None:
    for rule in (INTEGER, NUMBER):
        assert members(read(pa.array([cell]), rule, as_text=True)) == [2]


def test_a_file_may_have_a_decimal_comma_and_has_no_point_then() -> None:
    cells = pa.array(["1,5", "-,25", "1.5", "1.500,5", "7", "1,5,5", None])
    found = read(cells, NUMBER, as_text=True, decimal=",")
    assert broken(found) == [None, None, "float_parsing", "float_parsing", None, "float_parsing", None]
    assert members(found) == [1.5, -0.25, None, None, 7.0, None, None]


def test_what_is_not_finite_is_named() -> None:
    cells = ["inf", "-Infinity", "1e999", "nan"]
    assert broken(read(pa.array(cells), NUMBER, as_text=True)) == ["finite_number"] * 3 + [None]
    assert broken(read(pa.array(cells), NUMBER, optional=False, as_text=True)) == ["finite_number"] * 4
    floats = pa.array([float("inf"), float("nan")])
    assert broken(read(floats, INTEGER)) == ["finite_number", None]
    assert broken(read(floats, INTEGER, optional=False)) == ["finite_number"] * 2


TEXT_VALUES = ["car", None, "a flat", "Möbel", "a house, far longer than any of the choices", "Car", ""]
TEXT_RULES = [None, None, None, None, "literal_error", "literal_error", "literal_error"]


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_texts_are_the_same_in_every_layout(kind: pa.DataType) -> None:
    plain = pa.array(TEXT_VALUES, kind)
    forms = {
        "plain": pa.chunked_array([plain]),
        "sliced": pa.chunked_array([pa.array(["x", *TEXT_VALUES, "y"], kind).slice(1, len(TEXT_VALUES))]),
        "in chunks": pa.chunked_array([plain.slice(0, 3), plain.slice(3, 0), plain.slice(3)]),
        "dictionary": pa.chunked_array([plain.dictionary_encode()]),
        "dictionaries": pa.chunked_array([plain.slice(0, 2).dictionary_encode(), plain.slice(2).dictionary_encode()]),
    }
    for name, form in forms.items():
        found = read(form, TEXT)
        assert broken(found) == TEXT_RULES, name
        assert found.present.tolist() == [value is not None for value in TEXT_VALUES], name
        assert found.values[:4].tolist() == ["car", "", "a flat", "Möbel"], name
        assert found.members(np.arange(4)) == ["car", None, "a flat", "Möbel"], name


def test_null_in_a_dictionary_is_no_value() -> None:
    indices = pa.array([0, 1, None], pa.int8())
    texts = pa.DictionaryArray.from_arrays(indices, pa.array([None, "car"]))
    assert read(texts, TEXT).present.tolist() == [False, True, False]
    numbers = pa.DictionaryArray.from_arrays(indices, pa.array([None, 5]))
    found = read(numbers, INTEGER)
    assert (broken(found), members(found)) == ([None] * 3, [None, 5, None])
    assert broken(read(numbers, INTEGER, optional=False)) == ["missing", None, "missing"]


def test_blanks_around_a_cell_are_no_part_of_a_choice_and_stay_so_in_typed_texts() -> None:
    padded = pa.array(["car  ", " a flat", "Möbel"])
    assert read(padded, TEXT, as_text=True).values.tolist() == list(TEXT.choices)
    assert broken(read(padded, TEXT)) == ["literal_error", "literal_error", None]


def test_many_views_of_one_long_text_take_no_memory_of_their_own() -> None:
    rows, length = 50_000, 1 << 20
    one = pa.array(["x" * length], pa.string_view())
    _, view, text, *_ = one.buffers()
    views = pa.py_buffer(np.tile(np.frombuffer(view, np.int32), rows))
    shared = pa.Array.from_buffers(pa.string_view(), rows, [None, views, text])
    before = pa.total_allocated_bytes()
    assert not read(shared, TEXT).passed.any()
    assert pa.total_allocated_bytes() - before < length
    assert not read(pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), one), TEXT).passed.any()


UNFIT: dict[str, tuple[FieldRule, pa.Array, str, str]] = {
    "texts": (INTEGER, pa.array(["1"]), "int_type", "an integer, its type is string"),
    "views": (NUMBER, pa.array(["1"], pa.string_view()), "float_type", "a number, its type is string_view"),
    "booleans": (NUMBER, pa.array([True]), "float_type", "a number, its type is bool"),
    "dates": (INTEGER, pa.array([1], pa.date32()), "int_type", "an integer, its type is date32[day]"),
    "moments": (INTEGER, pa.array([1], pa.timestamp("us")), "int_type", "an integer, its type is timestamp[us]"),
    "bytes": (TEXT, pa.array([b"car"]), "string_type", "text, its type is binary"),
    "numbers": (TEXT, pa.array([1]), "string_type", "text, its type is int64"),
    "dictionaries": (
        INTEGER, pa.array(["1"]).dictionary_encode(), "int_type", "an integer, its type is dictionary of string"
    ),
    "lists": (NUMBER, pa.array([[1.0]]), "float_type", "a number, its type is list<item: double>"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT)
def test_a_column_of_another_type_is_named_with_it(case: str) -> None:
    rule, values, name, message = UNFIT[case]
    with pytest.raises(UnfitColumnError) as unfit:
        read(values, rule)
    assert (unfit.value.error.field, unfit.value.error.rule) == (rule.column, name)
    assert unfit.value.error.message == f"Column should hold {message}"


def test_booleans_stand_for_one_and_zero_where_that_is_asked_for() -> None:
    target = FieldRule("target", "TARGET", "integer", required=True, minimum=0, maximum=1)
    for values in (pa.array([True, False, None]), pa.array([True, False, None]).dictionary_encode()):
        found = read(values, target, optional=False, booleans=True)
        assert broken(found) == [None, None, "missing"]
        assert found.values[:2].tolist() == [1, 0]


def test_a_table_without_rows_or_chunks_has_no_values() -> None:
    for kind in (pa.int64(), pa.string(), pa.null()):
        for column in (pa.chunked_array([], kind), pa.chunked_array([pa.array([], kind)])):
            for rule in (INTEGER, TEXT):
                assert len(read(column, rule).values) == len(read(column, rule, as_text=True).values) == 0
