"""A source in every form that can mean one thing gives the same snapshot; every other form is one line."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from pipelines.params import Params
from pipelines.stages.prepare import validate
from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.scorecard import Source, SourceFile
from tests.conftest import SMALL_PARAMS
from tests.pipelines.stages.feeds import CARD, take_in
from training.errors import StageError

FILE = SourceFile("rows.csv", None, None)
ROWS = replace(CARD, sources=(Source("Rows", "CC0 1.0", "made for tests", (FILE,)),))
PLAIN = b"ID,LIMIT_BAL,AGE\n" + b"".join(b"%d,%d,%d\n" % (row, 1_000 * row, 20 + row) for row in range(1, 41))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace("toy", "full", tmp_path / "artifacts")


def rows_of(workspace: Workspace) -> pa.Table:
    return pq.read_table(workspace.raw_table("applications")).replace_schema_metadata(None)


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def as_parquet(content: bytes, rows: int = 40) -> bytes:
    """The rows with an index, as pandas writes it."""
    buffer = io.BytesIO()
    table = pacsv.read_csv(io.BytesIO(content)).append_column("__index_level_0__", pa.array(range(40)))
    pq.write_table(table.slice(0, rows), buffer)
    return buffer.getvalue()


READ: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "byte order mark": ("rows.csv", lambda content: b"\xef\xbb\xbf" + content),
    "UTF-16": ("rows.csv", lambda content: content.decode().encode("utf-16")),
    "blanks and other letters": ("rows.csv", lambda content: content.replace(b"LIMIT_BAL,AGE", b" limit_bal,Age")),
    "commas at the ends": ("rows.csv", lambda content: content.replace(b"\n", b",\n")),
    "CR": ("rows.csv", lambda content: content.replace(b"\n", b"\r")),
    "blank lines in front": ("rows.csv", lambda content: b"\n\n" + content),
    "semicolons": ("rows.csv", lambda content: content.replace(b",", b";")),
    "a line that names the separator": ("rows.csv", lambda content: b"sep=;\n" + content.replace(b",", b";")),
    "an index without a name": ("rows.csv", lambda content: b"," + content[:-1].replace(b"\n", b"\n0,") + b"\n"),
    "gzip named as CSV": ("rows.csv", gzip.compress),
    "CSV named as gzip": ("rows.csv.gz", bytes),
    "Parquet with an index, named as CSV": ("rows.csv", as_parquet),
    "CSV named as Parquet": ("rows.parquet", bytes),
    "capital letters": ("ROWS.CSV", bytes),
    "a name that fsspec would take for two": ("a::b.csv", bytes),
    "zip named as CSV": ("rows.csv", lambda content: zipped(**{"rows.csv": content})),
    "capital letters in a zip": ("ROWS.ZIP", lambda content: zipped(**{"deep/Rows.CSV": content})),
}  # fmt: skip


PUBLISHED = ("rows.csv", "rows.parquet")
PLACES = [("file", form) for form in READ] + [("folder", form) for form in READ if READ[form][0].lower() in PUBLISHED]


@pytest.mark.parametrize(("where", "form"), PLACES)
def test_a_form_in_which_nothing_is_guessed_gives_the_same_rows(
    workspace: Workspace, tmp_path: Path, form: str, where: str
) -> None:
    (tmp_path / "plain.csv").write_bytes(PLAIN)
    take_in(workspace, tmp_path / "plain.csv", ROWS)
    expected = rows_of(workspace)
    name, make = READ[form]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(make(PLAIN))
    take_in(workspace, tmp_path / "in" / name if where == "file" else tmp_path / "in", ROWS)
    assert rows_of(workspace).equals(expected)


REFUSED: dict[str, tuple[bytes, str]] = {
    "xlsx": (zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}), r"rows.csv looks like an Excel workbook"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "rows.csv looks like an old Excel workbook"),
    "Latin-1": (PLAIN + b"41,\xe4,3\n", "rows.csv is not UTF-8 in line 42 and looks like Windows-1252 or Latin-1"),
    "UTF-16 without a mark": (PLAIN.decode().encode("utf-16-le"), "rows.csv looks like text in UTF-16 without a byte"),
    "two lines of names": (b"X1,X2,X3\n" + PLAIN, "rows.csv has two lines of names, and those of toy are "),
    "decimal comma": (PLAIN.replace(b",", b";").replace(b";1000;", b";1000,5;"), "LIMIT_BAL has a comma in a number"),
    "a quote that is not closed": (
        PLAIN.replace(b"\n3,", b'\n3,"'), "rows.csv: line 4: a quote opens in this row and .* takes in 37 more lines",
    ),
    "a quote that another one closes": (
        PLAIN.replace(b"\n3,", b'\n3,"').replace(b"\n9,9000", b'\n9,9000"'), "rows.csv: line 4: .* in 6 more lines",
    ),
    "no rows": (PLAIN.splitlines()[0], "rows.csv holds no rows"),
    "Parquet without rows": (as_parquet(PLAIN, rows=0), "rows.csv holds no rows"),
    "nothing": (b"", "rows.csv is empty"),
    "gzip that is cut off": (gzip.compress(PLAIN)[:-20], "cannot read .*rows.csv: "),
}  # fmt: skip


@pytest.mark.parametrize("form", REFUSED)
def test_another_form_is_one_line_and_the_old_snapshot_stays(workspace: Workspace, tmp_path: Path, form: str) -> None:
    (tmp_path / "rows.csv").write_bytes(PLAIN)
    take_in(workspace, tmp_path / "rows.csv", ROWS)
    before = rows_of(workspace)
    content, complaint = REFUSED[form]
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(DataError, match=complaint) as refused:
        take_in(workspace, tmp_path / "rows.csv", ROWS)
    assert "\n" not in str(refused.value)
    assert rows_of(workspace).equals(before)


@pytest.mark.parametrize("where", ["rows.csv", ""])
@pytest.mark.parametrize(
    ("make", "kind"),
    [(os.mkfifo, "pipe"), (lambda path: path.symlink_to("/dev/null"), "device")],
    ids=["pipe", "device"],
)
def test_a_pipe_is_refused_and_nobody_waits_for_it(
    workspace: Workspace, tmp_path: Path, where: str, make: Any, kind: str
) -> None:
    (tmp_path / "in").mkdir()
    make(tmp_path / "in" / "rows.csv")
    with pytest.raises(
        DataError, match=f"rows.csv is a {kind}, which cannot be read more than once: save it as a file"
    ):
        take_in(workspace, tmp_path / "in" / where, ROWS)


def test_a_linked_file_in_a_folder_is_what_it_leads_to(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "far").write_bytes(PLAIN)
    (tmp_path / "in" / "rows.csv").symlink_to("../far")
    assert take_in(workspace, tmp_path / "in", ROWS).total.rows == 40


@pytest.mark.parametrize("stamp", [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"], ids=["month 0", "second 62"])
def test_a_member_of_no_possible_date_has_that_of_its_archive(
    workspace: Workspace, tmp_path: Path, stamp: bytes
) -> None:
    made = zipfile.ZipInfo("rows.csv", (2020, 3, 4, 5, 6, 8))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(made, PLAIN)
    written = (5 << 11 | 6 << 5 | 4).to_bytes(2, "little") + (40 << 9 | 3 << 5 | 4).to_bytes(2, "little")
    content = buffer.getvalue()
    assert content.count(written) == 2
    (tmp_path / "rows.zip").write_bytes(content.replace(written, stamp))
    os.utime(tmp_path / "rows.zip", (1_700_000_000, 1_700_000_000))
    summary = take_in(workspace, tmp_path / "rows.zip", ROWS)
    assert summary.files[0].modified_at == "2023-11-14T22:13:20+00:00"


def test_two_names_that_differ_in_letters_only_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("Rows.csv", "ROWS.csv"):
        (tmp_path / "in" / name).write_bytes(PLAIN)
    with pytest.raises(DataError, match=r"ROWS\.csv and Rows\.csv are one name in other letters"):
        take_in(workspace, tmp_path / "in", ROWS)


def test_a_snapshot_is_not_made_of_itself(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(PLAIN)
    take_in(workspace, tmp_path / "rows.csv", ROWS)
    (tmp_path / "link").symlink_to(workspace.raw)
    for location in (workspace.raw / "applications.parquet", tmp_path / "link"):
        with pytest.raises(DataError, match="is in the snapshot that this run replaces"):
            take_in(workspace, location, ROWS)


def test_the_way_in_which_a_file_is_read_is_told(workspace: Workspace, tmp_path: Path) -> None:
    content = PLAIN.strip().replace(b",", b"\t").replace(b"ID", b"Unnamed: 0\tID", 1).replace(b"\n", b"\n0\t")
    (tmp_path / "rows.csv").write_bytes(content)
    said: list[str] = []
    take_in(workspace, tmp_path / "rows.csv", ROWS, note=said.append)
    assert said == [
        "rows.csv: its cells are separated by tabs",
        "rows.csv: its column Unnamed: 0 is an index, which is not read",
    ]


def test_a_validation_of_no_rows_fails(workspace: Workspace) -> None:
    workspace.raw.mkdir(parents=True)
    sample = pa.table(ROWS.sample(np.random.default_rng(0), 2))
    pq.write_table(sample.slice(2), workspace.raw_table("applications"))
    with pytest.raises(StageError, match="toy: the raw snapshot holds no rows"):
        validate(ROWS, workspace, Params.model_validate(SMALL_PARAMS).scorecard("card_default"))
