"""Texts of a column: those of a field's choices, and any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.tables.numbers import BLANKS


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type holds texts, in any of Arrow's layouts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def chosen(
    column: pa.ChunkedArray, choices: Sequence[str], *, as_text: bool
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the texts of a column that are among some choices.

    Args:
        column: texts, or a dictionary of them.
        choices: the texts to look for.
        as_text: whether the texts are cells of a CSV file, which may have blanks around them.

    Returns:
        [rows] texts, empty where a row has none of the choices, and whether it has one.
    """
    places = np.concatenate([_places(chunk, choices, as_text) for chunk in column.chunks] or [np.empty(0, np.int32)])
    named = np.array([*choices, ""], dtype=object)
    return named[places], places >= 0


def any_texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """Return the texts of a column as they are, None where there is none."""
    texts: NDArray[np.object_] = decoded(column).to_numpy(zero_copy_only=False)
    return texts


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without its dictionary, if it has one."""
    if not pa.types.is_dictionary(column.type):
        return column
    if not pa.types.is_string_view(column.type.value_type):
        return column.cast(column.type.value_type)
    # Arrow takes no views by place.
    chunks = [chunk.dictionary.cast(pa.string()).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.string())


def _places(chunk: pa.Array, choices: Sequence[str], as_text: bool) -> NDArray[np.int32]:
    """Return the place of each row's text among the choices, -1 for another one or none."""
    if pa.types.is_dictionary(chunk.type):
        # Each text once: a few of them may stand for any number of rows.
        places = pa.array(_places(chunk.dictionary, choices, as_text)).take(chunk.indices)
        return np.asarray(pc.fill_null(places, -1))
    if pa.types.is_string_view(chunk.type):
        chunk = _short(chunk, max((len(choice.encode()) for choice in choices), default=0)).cast(pa.string())
    wanted = pa.array(choices, chunk.type)
    places = pc.index_in(chunk, wanted)
    if as_text and places.null_count > chunk.null_count:
        places = pc.index_in(pc.utf8_trim(chunk, BLANKS), wanted)
    return np.asarray(pc.fill_null(places, -1))


def _short(chunk: pa.Array, longest: int) -> pa.Array:
    """Return the views with empty ones instead of those of more than `longest` bytes.

    Any number of views may share one long text, which would become as many texts in memory.
    """
    validity, views, *texts = chunk.buffers()
    heads = np.frombuffer(views, np.int32).reshape(-1, 4)
    long = heads[:, 0] > longest
    if not long.any():
        return chunk
    kept = np.where(long[:, None], np.int32(0), heads)
    buffers = [validity, pa.py_buffer(kept), *texts]
    return pa.Array.from_buffers(chunk.type, len(chunk), buffers, chunk.null_count, chunk.offset)
