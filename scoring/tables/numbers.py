"""Numbers of a column as doubles: typed ones of every width, and texts that a CSV file writes.

One grammar holds for texts, whatever the field and the door: that of JSON, such as `2`, `2.0` or `-1.5e3`. A plus or
zeros in front and a bare decimal point, such as `+2`, `007`, `.5` or `5.`, can mean nothing else and are read as well;
so are blanks around a number. A text becomes the double next to it, as a number of JSON does.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SAFE_INTEGER = 2**53
"""From here on there are whole numbers between one double and the next."""

BLANKS = " \t"
"""As Arrow's reader of CSV files takes them away around numbers."""
# What Arrow reads as a double, and nothing else.
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:nan|inf|infinity)$"


def typed_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return the values of a column of integers, floats, decimals or booleans, NaN where there is none."""
    kind = column.type
    if pa.types.is_decimal(kind):
        # Arrow's own way from a decimal to a double may end at the one after the next.
        column = column.cast(pa.string()).cast(pa.float64())
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def written_numbers(
    column: pa.ChunkedArray, decimal: str = "."
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Return the values of a column of text, NaN where there is none.

    Args:
        column: the text.
        decimal: the decimal mark; with a comma, a point is no part of a number.

    Returns:
        The values, and which rows have a text that is no number; None if no row has.
    """
    if decimal != ".":
        column = pc.replace_substring(pc.replace_substring(column, ".", "x"), decimal, ".")
    fits = None
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim(column, BLANKS)
        fits = pc.match_substring_regex(trimmed, _NUMBER)
        numbers = pc.if_else(fits, trimmed, pa.scalar(None, column.type)).cast(pa.float64())
    wrong = None if fits is None or pc.all(fits).as_py() is not False else ~np.asarray(pc.fill_null(fits, True))
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64), wrong


def is_whole(column: pa.ChunkedArray, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of the values of a column are whole numbers; anything where there is no value."""
    if not pa.types.is_decimal(column.type):
        return np.asarray(np.floor(values) == values)
    if column.type.bit_width < 128:  # Arrow rounds only wider ones
        column = column.cast(pa.decimal128(column.type.precision, column.type.scale))
    # The double next to 2.00000000000000000001 is 2.
    return np.asarray(pc.fill_null(pc.equal(pc.trunc(column), column), True))
