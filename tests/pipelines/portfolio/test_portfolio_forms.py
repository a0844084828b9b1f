"""The same rows in every form in which banks and notebooks write them give the same PDs, or one line that says why."""

from __future__ import annotations

import gzip
import io
import os
import socket
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from scoring.expected import DataError
from scoring.tables import csv
from tests.conftest import Project
from tests.pipelines.conftest import Run
from tests.pipelines.portfolio.portfolios import CARD, changed, read, rows, score, write

COUNT = 40
Make = Callable[[bytes], bytes]


def plain() -> bytes:
    """Rows as CSV without quotes."""
    buffer = io.BytesIO()
    pacsv.write_csv(rows(COUNT), buffer)
    return buffer.getvalue().replace(b'"', b"")


def header(change: Callable[[bytes], bytes]) -> Make:
    def make(content: bytes) -> bytes:
        first, rest = content.split(b"\n", 1)
        return change(first) + b"\n" + rest

    return make


def numbered(content: bytes) -> bytes:
    first, *lines = content.splitlines()
    return b"\n".join([b"," + first, *(b"%d,%b" % (number, line) for number, line in enumerate(lines)), b""])


def each_line(change: Callable[[bytes], bytes]) -> Make:
    return lambda content: b"".join(change(line) + b"\n" for line in content.splitlines())


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def as_parquet(content: bytes) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pacsv.read_csv(io.BytesIO(content)), buffer)
    return buffer.getvalue()


def with_index(content: bytes) -> bytes:
    table = pacsv.read_csv(io.BytesIO(content)).append_column("__index_level_0__", pa.array(range(COUNT)))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


@pytest.fixture
def folder(project: Project) -> Path:
    (project.folder / "plain.csv").write_bytes(plain())
    return project.folder


@pytest.fixture
def expected(folder: Path, scorebox: Run) -> pa.ChunkedArray:
    """The PDs of the rows as plain CSV."""
    assert scorebox("score", "card_default", "plain.csv", "expected.parquet")[0] == 0
    return read(folder / "expected.parquet").column("pd")


READ: dict[str, tuple[str, Make]] = {
    "byte order mark": ("in.csv", lambda content: b"\xef\xbb\xbf" + content),
    "UTF-16": ("in.csv", lambda content: content.decode().encode("utf-16")),
    "UTF-16 the other way round": ("in.csv", lambda content: b"\xfe\xff" + content.decode().encode("utf-16-be")),
    "blanks around names": ("in.csv", header(lambda first: first.replace(b",", b" ,\t"))),
    "names in other letters": ("in.csv", header(bytes.title)),
    "names in small letters": ("in.csv", header(bytes.lower)),
    "comma at the end of every line": ("in.csv", each_line(lambda line: line + b",")),
    "lines that end with CR": ("in.csv", lambda content: content.replace(b"\n", b"\r")),
    "lines that end with CR LF": ("in.csv", lambda content: content.replace(b"\n", b"\r\n")),
    "blank lines in front": ("in.csv", lambda content: b"\n\r\n" + content),
    "no line end at the end": ("in.csv", bytes.strip),
    "a line that names the separator": ("in.csv", lambda content: b"sep=;\r\n" + content.replace(b",", b";")),
    "semicolons": ("in.csv", lambda content: content.replace(b",", b";")),
    "tabs": ("in.tsv", lambda content: content.replace(b",", b"\t")),
    "gzip": ("in.csv.gz", gzip.compress),
    "two gzip files in one": ("in.csv.gz", lambda content: gzip.compress(content[:700]) + gzip.compress(content[700:])),
    "gzip named as CSV": ("in.csv", gzip.compress),
    "CSV named as gzip": ("in.csv.gz", bytes),
    "CSV named as Parquet": ("in.parquet", bytes),
    "Parquet named as CSV": ("in.csv", as_parquet),
    "capital suffix": ("IN.CSV", bytes),
    "capital suffixes": ("IN.CSV.GZ", gzip.compress),
    "capital suffix of Parquet": ("IN.PARQUET", as_parquet),
    "a name without a suffix": ("000000_0", bytes),
    "a name that fsspec would take for two": ("a::b.csv", bytes),
}


@pytest.mark.parametrize("form", READ)
def test_a_form_in_which_nothing_is_guessed_gives_the_same_decisions(
    folder: Path, scorebox: Run, expected: pa.ChunkedArray, form: str
) -> None:
    name, make = READ[form]
    (folder / name).write_bytes(make(plain()))
    code, printed = scorebox("score", "card_default", name, "out.parquet")
    assert code == 0, printed
    assert read(folder / "out.parquet").column("pd").equals(expected)
    assert f"{COUNT} rows" in printed
    assert f"{name}: its column {CARD.target} is the outcome, which is not read" in printed


INDEX: dict[str, tuple[str, Make, str]] = {
    "no name": ("in.csv", numbered, "without a name"),
    "pandas' name for no name": ("in.csv", lambda content: b"Unnamed: 0" + numbered(content), "Unnamed: 0"),
    "pandas' name in Parquet": ("in.parquet", with_index, "__index_level_0__"),
}


@pytest.mark.parametrize("form", INDEX)
def test_an_index_is_not_read_and_a_line_says_so(
    folder: Path, scorebox: Run, expected: pa.ChunkedArray, form: str
) -> None:
    name, make, called = INDEX[form]
    (folder / name).write_bytes(make(plain()))
    code, printed = scorebox("score", "card_default", name, "out.parquet")
    assert code == 0, printed
    assert f"{name}: its column {called} is an index, which is not read" in printed
    assert read(folder / "out.parquet").column("pd").equals(expected)


def feathered(content: bytes) -> bytes:
    buffer = io.BytesIO()
    feather.write_feather(pacsv.read_csv(io.BytesIO(content)), buffer)
    return buffer.getvalue()


SAVE = "save its table as CSV (UTF-8) or Parquet"
REFUSED: dict[str, tuple[str, Make, str]] = {
    "decimal comma": (
        "in.csv",
        lambda content: content.replace(b",", b";").replace(b";2;", b";2,5;", 1),
        " has a comma in a number: save numbers with a decimal point, or declare the decimal mark in the source",
    ),
    "Latin-1": (
        "in.csv",
        lambda content: content.replace(b"\n", b"\n\xe4", 30).replace(b"\n\xe4", b"\n", 29),
        "in.csv is not UTF-8 in line 31 and looks like Windows-1252 or Latin-1: save it as CSV UTF-8, or declare its "
        "encoding in the source",
    ),
    "Latin-1 in the names": (
        "in.csv",
        lambda content: b"Stra\xdfe," + content,
        "in.csv is not UTF-8 in line 1 and looks like Windows-1252 or Latin-1",
    ),
    "a second line of names": (
        "in.csv",
        lambda content: b",".join(b"X%d" % number for number in range(25)) + b"\n" + content,
        "in.csv has two lines of names, and those of card_default are in the second: remove the first line",
    ),
    "no line of names": (
        "in.csv",
        lambda content: content.split(b"\n", 1)[1],
        "in.csv has none of the columns of card_default in its first line",
    ),
    "UTF-16 without a mark": (
        "in.csv",
        lambda content: content.decode().encode("utf-16-le"),
        "in.csv looks like text in UTF-16 without a byte order mark: save it in UTF-8",
    ),
    "xlsx": ("in.xlsx", lambda _: zipped("xl/workbook.xml"), f"in.xlsx looks like an Excel workbook (.xlsx): {SAVE}"),
    "xlsx named as CSV": (
        "in.csv", lambda _: zipped("xl/workbook.xml"), f"in.csv looks like an Excel workbook (.xlsx): {SAVE}",
    ),
    "zip named as Parquet": ("in.parquet", lambda _: zipped("in.csv"), "in.parquet looks like a zip archive: unpack"),
    "xls": (
        "in.xls", lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "in.xls looks like an old Excel workbook",
    ),
    "Feather": ("in.parquet", feathered, "in.parquet looks like an Arrow file (Feather): write the table as Parquet"),
    "gzipped Parquet": (
        "in.parquet.gz", lambda content: gzip.compress(as_parquet(content)), "looks like Parquet, packed by gzip: ",
    ),
    "zstd": ("in.csv.zst", lambda _: b"\x28\xb5\x2f\xfd", "in.csv.zst looks like a file packed by zstd: unpack it"),
    "JSON": ("in.csv", lambda _: b'{"LIMIT_BAL": 1}\n', f"in.csv looks like JSON: {SAVE}"),
    "a page": ("in.xls", lambda _: b"<html><table>", f"in.xls looks like HTML or XML: {SAVE}"),
    "binary": ("in.csv", lambda _: bytes(range(256)), "in.csv looks like text in UTF-16 without a byte order mark"),
    "values without a name": (
        "in.csv", each_line(lambda line: line + (b"," if line.startswith(b"ID") else b",9")),
        "in.csv: column 26 has no name in the header, and row 0 has a value there",
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", REFUSED)
def test_another_form_is_one_line_that_says_what_it_looks_like(folder: Path, scorebox: Run, form: str) -> None:
    name, make, message = REFUSED[form]
    (folder / name).write_bytes(make(plain()))
    code, printed = scorebox("score", "card_default", name, "out.csv")
    assert code == 1
    assert message in printed
    assert printed.count("error") == 1
    assert not (folder / "out.csv").exists()


def test_parts_without_rows_do_not_end_a_run(folder: Path, scorebox: Run, expected: pa.ChunkedArray) -> None:
    parts = folder / "parts"
    table = rows(COUNT)
    write(table.slice(0, 10), parts / "1.parquet")
    (parts / "2.csv").touch()
    (parts / "3.csv").write_text(",".join(table.column_names))
    write(pa.table({name: pa.nulls(0) for name in table.column_names}), parts / "4.parquet")
    write(pa.table({"nothing": pa.nulls(0)}), parts / "5.parquet")
    write(table.slice(10), parts / "6.parquet")
    code, printed = scorebox("score", "card_default", "parts", "out.parquet")
    assert code == 0, printed
    assert "2.csv: is empty" in printed
    assert read(folder / "out.parquet").column("pd").equals(expected)


def test_what_is_no_table_next_to_the_parts_is_named_and_not_read(
    folder: Path, scorebox: Run, expected: pa.ChunkedArray
) -> None:
    parts = folder / "parts"
    table = rows(COUNT)
    write(table.slice(0, 10), parts / "deep" / "1.csv")
    (parts / "linked").symlink_to(folder / "far")
    write(table.slice(10), folder / "far" / "2.csv")
    (parts / "README.txt").write_text("These are the rows of März.\n", encoding="latin-1")
    (parts / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    (parts / "notes.docx").write_bytes(zipped("word/document.xml"))
    (parts / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (parts / "_delta_log").mkdir()
    code, printed = scorebox("score", "card_default", "parts", "out.parquet")
    assert code == 0, printed
    for line in (
        "README.txt: is not read, since it is not UTF-8 in line 1",
        "Thumbs.db: is not read, since it looks like an old Excel workbook (.xls) or another file of Office",
        "notes.docx: is not read, since it looks like a zip archive",
        ".DS_Store: is not read, since its name begins with _ or .",
        "_delta_log: is not read, since its name begins with _ or .",
    ):
        assert line in printed
    assert read(folder / "out.parquet").column("pd").equals(expected)


@pytest.mark.parametrize("make", [os.mkdir, lambda path: write(rows(1).slice(1), path / "1.csv")])
def test_a_folder_without_rows_is_one_line(folder: Path, scorebox: Run, make: Callable[[Path], object]) -> None:
    make(folder / "parts")
    code, printed = scorebox("score", "card_default", "parts", "out.csv")
    assert code == 1
    assert "parts holds no " in printed


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


SPECIAL: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": socket_at,
    "device": lambda path: path.symlink_to("/dev/null"),
    "link to nothing": lambda path: path.symlink_to("gone"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["in.csv", "parts/in.csv"])
def test_a_pipe_or_the_like_is_refused_and_nobody_waits_for_it(
    folder: Path, scorebox: Run, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    write(rows(3), folder / "parts" / "1.csv")
    path = folder / name
    # A socket's whole path may be too long.
    monkeypatch.chdir(path.parent)
    SPECIAL[kind](path)
    monkeypatch.chdir(folder)
    code, printed = scorebox("score", "card_default", name.split("/", maxsplit=1)[0], "out.csv")
    assert code == 1
    assert f"in.csv is a {kind}, which cannot be read more than once: save it as a file" in printed


def test_a_folder_that_cannot_be_listed_ends_the_run(request: pytest.FixtureRequest) -> None:
    # Others cannot enter the folders of pytest.
    with tempfile.TemporaryDirectory() as open_to_all:
        root = Path(open_to_all)
        root.chmod(0o755)
        write(rows(3), root / "parts" / "1.csv")
        write(rows(3), root / "parts" / "secret" / "2.csv")
        (root / "parts" / "secret").chmod(0o700 if os.geteuid() == 0 else 0)
        before = os.geteuid()
        try:
            if before == 0:  # who may read whatever it likes
                os.seteuid(65_534)
            with pytest.raises(DataError, match=r"cannot read .*/parts/secret: Permission denied"):
                score(root / "parts", root / "out.csv")
        finally:
            os.seteuid(before)
            (root / "parts" / "secret").chmod(0o700)


def test_a_folder_that_leads_back_into_itself_is_one_line(folder: Path, scorebox: Run) -> None:
    write(rows(3), folder / "parts" / "1.csv")
    (folder / "parts" / "again").symlink_to("../parts")
    code, printed = scorebox("score", "card_default", "parts", "out.csv")
    assert code == 1
    assert "parts/again leads back to a folder that it is in" in printed


QUOTES = {
    "in a field, never closed": ({3: ("PAY_2", '"1')}, 5, 36),
    "in a field, closed far below": ({3: ("PAY_2", '"1'), 30: ("PAY_2", '1"')}, 5, 27),
    "in the last column, which is not read": ({3: (CARD.target, '"1')}, 5, 36),
    "in a field, closed in the next row": ({3: ("PAY_2", '"1'), 4: ("PAY_2", '1"')}, 5, 1),
    "at the key, closed at the next": ({3: ("ID", '"4'), 4: ("ID", '"5')}, 5, 1),
}


@pytest.mark.parametrize("case", QUOTES)
def test_a_quote_that_swallows_rows_ends_the_run_and_is_found(folder: Path, scorebox: Run, case: str) -> None:
    cells, line, taken = QUOTES[case]
    lines = plain().decode().splitlines()
    names = lines[0].split(",")
    for row, (name, text) in cells.items():
        values = lines[row + 1].split(",")
        values[names.index(name)] = text
        lines[row + 1] = ",".join(values)
    (folder / "in.csv").write_text("\n".join(lines) + "\n")
    code, printed = scorebox("score", "card_default", "in.csv", "out.csv", "--max-reject-share", "1")
    assert code == 1
    assert (
        f"in.csv: line {line}: a quote opens in this row and is not closed in its cell, which takes in {taken} "
        in printed
    )
    assert not list(folder.glob("out*"))


def test_a_quote_that_swallows_more_than_a_block_is_found_too(
    folder: Path, scorebox: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK", 4096)
    first, *lines = plain().decode().splitlines()
    (folder / "in.csv").write_text("\n".join([first, *lines, lines[0].replace(",", ',"', 1), *lines * 99]) + "\n")
    code, printed = scorebox("score", "card_default", "in.csv", "out.csv")
    assert code == 1
    assert f"in.csv: line {COUNT + 2}: a quote opens in this row and is not closed in its cell" in printed


def test_a_line_end_in_a_quoted_cell_that_holds_no_row_is_that_rows_fault(folder: Path, scorebox: Run) -> None:
    lines = plain().decode().splitlines()
    cells = lines[3].split(",")
    cells[1] = '"2\n2"'
    lines[3] = ",".join(cells)
    (folder / "in.csv").write_text("\n".join(lines) + "\n")
    code, printed = scorebox("score", "card_default", "in.csv", "out.csv")
    assert code == 0, printed
    assert read(folder / "out.csv").num_rows == COUNT - 1
    assert read(folder / "out.rejects.csv").column("row").to_pylist() == [2]


def test_a_key_that_csv_cannot_hold_is_one_line(folder: Path, scorebox: Run) -> None:
    table = rows(3)
    write(table.set_column(0, "ID", pa.array([{"a": 1}, {"a": 2}, {"a": 3}])), folder / "in.parquet")
    code, printed = scorebox("score", "card_default", "in.parquet", "out.csv")
    assert code == 1
    assert (
        "in.parquet: ID: a column of struct<a: int64> cannot be written as CSV: name an output that ends in .parquet"
        in printed
    )
    assert not list(folder.glob("out*"))


def test_the_summary_says_where_every_row_is(folder: Path, scorebox: Run) -> None:
    write(changed(rows(20), "AGE", 4, 5), folder / "parts" / "1.csv")
    write(rows(20), folder / "parts" / "2.csv")
    code, printed = scorebox("score", "card_default", "parts", "out.csv")
    assert code == 0
    out = read(folder / "out.csv")
    declined = np.mean(np.array(out.column("decision").to_pylist()) == "decline")
    assert "40 rows of 2 files in " in printed
    assert f"score {declined:.1%} of 39 declined: out.csv score 1 rejected: out.rejects.csv" in printed
