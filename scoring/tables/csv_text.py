"""The text of a CSV file as UTF-8 bytes, whatever it is written in and packed by."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from scoring.tables.places import Place
from scoring.tables.sniff import ForeignFormError

CHUNK = 1 << 20
LINE_ENDS = b"\r\n"
QUOTE = b'"'
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
UTF_8 = codecs.lookup("utf-8").name


class TextStream(io.RawIOBase):
    """Reads the text from a byte on.

    Args:
        source: the file, unpacked.
        encoding: what its text is written in.
        start: the first byte, in UTF-8 and behind a byte order mark.
    """

    quoted = False
    """Whether a quote has been read."""

    def __init__(self, source: Any, encoding: str, start: int) -> None:
        super().__init__()
        self._source = source
        decode = codecs.getincrementaldecoder(encoding)() if codecs.lookup(encoding).name != UTF_8 else None
        self._decode = decode
        self._waiting = b""
        self._ended = False
        self._fill(max(start, len(codecs.BOM_UTF8)))
        self._waiting = self._waiting.removeprefix(codecs.BOM_UTF8)
        while start > len(self._waiting) and not self._ended:
            self._fill(start)
        self._waiting = self._waiting[start:]

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file as well."""
        self._source.close()
        super().close()

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, none at the end.

        Raises:
            UnicodeDecodeError: the text is not in its encoding; UTF-8 is not checked here.
        """
        self._fill(size if size > 0 else CHUNK)
        found, self._waiting = self._waiting[:size], self._waiting[size:]
        self.quoted = self.quoted or QUOTE in found
        return found

    def skip_blank_lines(self) -> bool:
        """Read on to the next byte that ends no line; return whether there is one."""
        while True:
            self._fill(CHUNK)
            self._waiting = self._waiting.lstrip(LINE_ENDS)
            if self._waiting or self._ended:
                return bool(self._waiting)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that are left, with their ends."""
        begun = b""
        while data := self.read(CHUNK):
            # An end of \\r\\n may be cut in two.
            *whole, begun = [match.group() for match in LINE.finditer(begun + data) if match.group()]
            yield from whole
        if begun:
            yield begun

    def _fill(self, size: int) -> None:
        """Have at least so many bytes waiting, or all that are left."""
        parts = [self._waiting]
        count = len(self._waiting)
        while count < size and not self._ended:
            data = self._source.read(max(CHUNK, size - count))
            self._ended = not data
            if self._decode is not None:
                data = self._decode.decode(data, final=self._ended).encode()
            parts.append(data)
            count += len(data)
        self._waiting = b"".join(parts)


@dataclass(frozen=True)
class CsvText:
    """A CSV file and the way to its text."""

    file: Place
    gzipped: bool
    encoding: str

    def open(self, start: int = 0) -> TextStream:
        """Open the text from a byte on, counted in UTF-8 and behind a byte order mark."""
        return TextStream(self._bytes(), self.encoding, start)

    def _bytes(self) -> Any:
        compression = "gzip" if self.gzipped else None
        local = self.file.local
        source = str(local) if local is not None else self.file.system.open(self.file.path, "rb")
        return pa.input_stream(source, compression=compression)

    def fault(self) -> ForeignFormError:
        """Return the error that names the first line which is not in the text's encoding."""
        decode = codecs.getincrementaldecoder(self.encoding)()
        line = 1
        with self._bytes() as source:
            data = b"."
            while data:
                data = source.read(CHUNK)
                try:
                    line += decode.decode(data, final=not data).count("\n")
                except UnicodeDecodeError as error:
                    line += error.object[: error.start].decode(self.encoding, "replace").count("\n")
                    break
        if codecs.lookup(self.encoding).name != UTF_8:
            return ForeignFormError(self.file.shown, f"is not text in {self.encoding} in line {line:,}")
        return ForeignFormError(
            self.file.shown,
            f"is not UTF-8 in line {line:,} and looks like Windows-1252 or Latin-1: save it as CSV UTF-8, or declare "
            "its encoding in the source",
        )
