"""Tell the form of a file by its first bytes: a name may say anything."""

from __future__ import annotations

import codecs
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Literal

from scoring.expected import DataError
from scoring.tables.places import Place

Form = Literal["parquet", "csv", "empty"]

HEAD = 1 << 16
"""Bytes that are looked at."""

SAVE = "save its table as CSV (UTF-8) or Parquet"
UNPACK = "unpack it first"
FORMS: tuple[tuple[bytes, str, str], ...] = (
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"ARROW1", "an Arrow file (Feather)", "write the table as Parquet"),
    (b"FEA1", "a Feather file", "write the table as Parquet"),
    (b"\xff\xff\xff\xff", "an Arrow stream", "write the table as Parquet"),
    (b"ORC", "an ORC file", "write the table as Parquet"),
    (b"Obj\x01", "an Avro file", "write the table as Parquet"),
    (b"SQLite format 3\x00", "an SQLite database", SAVE),
    (b"\x89HDF", "an HDF5 file", SAVE),
    (b"%PDF", "a PDF document", SAVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls) or another file of Office", SAVE),
    (b"BZh", "a file packed by bzip2", UNPACK),
    (b"\xfd7zXZ\x00", "a file packed by xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a file packed by zstd", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
)
"""First bytes of files that are no tables here, what they are, and what to do."""
ZIP = b"PK\x03\x04"
GZIP = b"\x1f\x8b"
MARKS = (
    (codecs.BOM_UTF32_LE, ""), (codecs.BOM_UTF32_BE, ""), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
"""Byte order marks and their encodings; UTF-32's begins as one of UTF-16's does."""


@dataclass(frozen=True)
class Sniffed:
    """The form of a file, by its first bytes."""

    form: Form
    gzipped: bool = False
    encoding: str | None = None
    """By a byte order mark; None without one."""


class ForeignFormError(DataError):
    """A file is of a form that is not read here, such as a workbook or an archive.

    Args:
        shown: the file, as messages name it.
        reason: the rest of the sentence.
    """

    def __init__(self, shown: str, reason: str) -> None:
        super().__init__(f"{shown} {reason}")
        self.reason = reason


def sniff(file: Place, encoding: str = "utf-8") -> Sniffed:
    """Return what a file holds.

    Args:
        file: of this machine or another.
        encoding: what text is written in that does not tell by a byte order mark.

    Raises:
        ForeignFormError: it holds another form than Parquet, CSV or CSV packed by gzip; the message says which.
        OSError: it cannot be read; other file systems than this machine's have their own exceptions.
    """
    with file.open() as source:
        head = source.read(HEAD)
        if head.startswith(ZIP):
            source.seek(0)
            raise _foreign(file, _zip_kind(source))
    if head.startswith(GZIP):
        inner = _unpacked(file, head)
        found = _plain(file, inner, encoding)
        if found.form == "parquet" or inner[257:262] == b"ustar":
            held = "Parquet" if found.form == "parquet" else "a tar archive"
            raise _foreign(file, (f"{held}, packed by gzip", UNPACK))
        return Sniffed(found.form, gzipped=True, encoding=found.encoding)
    return _plain(file, head, encoding)


def _plain(file: Place, head: bytes, encoding: str) -> Sniffed:
    if not head:
        return Sniffed("empty")
    if head.startswith(b"PAR1"):
        return Sniffed("parquet")
    for magic, what, advice in FORMS:
        if head.startswith(magic):
            raise _foreign(file, (what, advice))
    wide = "a".encode(encoding) != b"a"
    for mark, marked in MARKS:
        if head.startswith(mark) and not (wide and not marked):
            if not marked:
                raise _foreign(file, ("text in UTF-32", "save it in UTF-8"))
            return Sniffed("empty" if head == mark else "csv", encoding=marked)
    if b"\x00" in head and not wide:
        if b"\x00" in (head[0:1], head[1:2]):
            raise _foreign(file, ("text in UTF-16 without a byte order mark", "save it in UTF-8"))
        raise _foreign(file, ("neither text nor Parquet", SAVE))
    return Sniffed("csv")


def _unpacked(file: Place, head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        raise DataError(f"{file.shown} begins as a gzip file does, and is none: it is damaged") from None


def _zip_kind(source: io.BufferedIOBase) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "a zip archive or workbook that is cut off", "fetch it again"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx)", SAVE
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument spreadsheet", SAVE
    return "a zip archive", UNPACK


def _foreign(file: Place, form: tuple[str, str]) -> ForeignFormError:
    what, advice = form
    return ForeignFormError(file.shown, f"looks like {what}: {advice}")
