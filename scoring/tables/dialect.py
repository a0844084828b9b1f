"""The way in which a CSV file writes its cells."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

USUAL_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")
"""The texts that stand for a missing value unless a source declares its own."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file separates its cells and writes numbers, texts and missing values."""

    separator: str = ","
    decimal: str = "."
    """The decimal mark of a number. There are no marks between thousands."""
    encoding: str = "utf-8"
    """A name that Python's codecs know, such as latin-1; UTF-8 may begin with a byte order mark."""
    missing: tuple[str, ...] = USUAL_MISSING

    def __post_init__(self) -> None:
        if len(self.separator) != 1 or self.decimal not in (".", ",") or self.separator == self.decimal:
            raise ValueError(
                f"a separator is one character and a decimal mark another, . or ,: not {self.separator!r} and "
                f"{self.decimal!r}"
            )
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ValueError(f"{self.encoding!r} is no encoding that Python knows, such as latin-1") from None
