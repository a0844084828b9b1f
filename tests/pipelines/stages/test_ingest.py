"""Ingestion of local files, folders, archives and web addresses; what is broken is named and changes nothing."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.stages.ingest import ingest
from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.scorecard import Source, SourceFile
from scoring.tables.dialect import USUAL_MISSING
from tests.conftest import Project
from tests.pipelines.conftest import Run
from tests.pipelines.stages.feeds import (
    CARD,
    CLIENTS,
    CODES,
    ONE,
    ONE_FILE,
    PAYMENTS,
    TABLES,
    THREE_FILES,
    sha256,
    snapshot,
    take_in,
    write_tables,
    written,
)
from training.parquet import read_parquet
from training.sources import archives
from training.sources.locations import shown


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace("toy", "full", tmp_path / "artifacts")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    return write_tables(tmp_path / "tables")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server over the folder `tmp_path`; it lists nothing and reads no ranges."""

    class Handler(SimpleHTTPRequestHandler):
        def list_directory(self, path: object) -> None:
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def column(workspace: Workspace, table: str, name: str) -> list[object]:
    return pq.read_table(workspace.raw_table(table))[name].to_pylist()  # type: ignore[no-any-return]


def test_a_folder_of_several_files_becomes_a_table_each(workspace: Workspace, tables: Path) -> None:
    take_in(workspace, tables)
    summary = written(workspace)
    assert sorted(snapshot(workspace)) == ["clients.parquet", "codes.parquet", "payments.parquet"]
    assert (summary["title"], summary["licence"], summary["form"]) == ("Three Files", "CC0 1.0", "folder")
    assert [
        (file["table"], file["bytes"], file["sha256"], file["verified"], file["rows"], file["columns"])
        for file in summary["files"]
    ] == [
        ("clients", len(CLIENTS), sha256(CLIENTS), True, 3, 4),
        ("payments", len(PAYMENTS), sha256(PAYMENTS), False, 400, 3),
        ("codes", len(CODES), sha256(CODES), True, 2, 3),
    ]
    assert summary["total"] == {"files": 3, "bytes": sum(map(len, TABLES.values())), "rows": 405}
    assert all(file["modified_at"].endswith("+00:00") for file in summary["files"])


def test_columns_get_whole_numbers_numbers_or_text(workspace: Workspace, tables: Path) -> None:
    take_in(workspace, tables)
    assert column(workspace, "clients", "NAME") == ["Smith, Ann", "None", None]
    assert column(workspace, "clients", "OWNS_CAR") == ["Y", "N", "Y"]
    assert column(workspace, "clients", "AMOUNT") == [0.1, None, 1e-7]
    assert column(workspace, "clients", "ID") == [1, 2, 3]
    assert column(workspace, "codes", "status") == ["A11", "A14"]
    assert column(workspace, "codes", "months") == [6, None]


@pytest.mark.parametrize(
    ("last", "kind"),
    [("7", "int64"), ("", "int64"), ("7.5", "double"), ("1e3", "double"), ("x", "string"), ("0x1F", "string")],
)
def test_the_type_of_a_column_is_decided_by_its_last_row_too(
    workspace: Workspace, tmp_path: Path, last: str, kind: str
) -> None:
    path = tmp_path / "long.csv"
    path.write_text("A,B\n" + "1,2\n" * 1_100_000 + f"{last},2\n")
    source = Source("Long", "CC0 1.0", "made for tests", (SourceFile("long.csv", None, 1_100_001),))
    take_in(workspace, path, replace(CARD, sources=(source,)))
    schema = pq.read_schema(workspace.raw_table("applications"))
    assert {name: str(schema.field(name).type) for name in ("A", "B")} == {"A": kind, "B": "int64"}


def test_a_source_declares_how_its_text_is_written(workspace: Workspace, tmp_path: Path) -> None:
    text = 'NR;BETRAG;STÄDT;NOTE\n1;1234,5;Köln;A\n2;NA;"Bad; Ems";B\n3;-;?;C\n4;7,25;1.5;D\n'
    (tmp_path / "kredite.csv").write_bytes(text.encode("cp1252"))
    file = SourceFile(
        "kredite.csv",
        None,
        4,
        separator=";",
        decimal=",",
        encoding="cp1252",
        missing=(*USUAL_MISSING, "-"),
        ignored=("NOTE",),
    )
    take_in(workspace, tmp_path / "kredite.csv", replace(CARD, sources=(Source("K", "CC0 1.0", "made", (file,)),)))
    assert pq.read_table(workspace.raw_table("applications")).to_pydict() == {
        "NR": [1, 2, 3, 4],
        "BETRAG": [1234.5, None, None, 7.25],
        "STÄDT": ["Köln", "Bad; Ems", None, "1.5"],
    }


def test_a_column_that_a_source_ignores_is_left_out_of_parquet_too(workspace: Workspace, tmp_path: Path) -> None:
    pd.DataFrame({"A": [1, 2], "GRADE": ["x", "y"]}).to_parquet(tmp_path / "book.parquet")
    file = SourceFile("book.csv", None, None, ignored=("GRADE",))
    take_in(workspace, tmp_path / "book.parquet", replace(CARD, sources=(Source("B", "CC0 1.0", "made", (file,)),)))
    assert pq.read_table(workspace.raw_table("applications")).column_names == ["A"]


def test_numbers_are_the_closest_doubles_to_their_text(workspace: Workspace, tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    values = draws.integers(0, 1 << 63, 20_000, dtype=np.uint64).view(np.float64)
    texts = [repr(value) for value in values.tolist()] + [f"{value:.25e}" for value in draws.normal(size=5_000)]
    texts += [
        "0.1",
        "-0.0",
        "5e-324",
        "1.7976931348623157e308",
        "9007199254740993.0",
        "2.2250738585072011e-308",
    ]
    texts = [text for text in texts if text != "nan"]
    path = tmp_path / "numbers.csv"
    path.write_text("A\n" + "\n".join(texts) + "\n")
    source = Source("Numbers", "CC0 1.0", "made for tests", (SourceFile("numbers.csv", None, None),))
    take_in(workspace, path, replace(CARD, sources=(source,)))
    expected = pd.read_csv(path, float_precision="round_trip")["A"].to_numpy()
    read = pq.read_table(workspace.raw_table("applications"))["A"].to_numpy()
    assert read.tobytes() == expected.tobytes()


def test_the_same_source_gives_the_same_bytes_in_groups_of_fixed_size(workspace: Workspace, tmp_path: Path) -> None:
    rows = 300_000
    draws = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"A": draws.integers(0, 99, rows), "B": draws.normal(size=rows), "C": draws.choice(["Y", "N"], rows)}
    )
    frame.to_csv(tmp_path / "many.csv", index=False)
    source = Source("Many", "CC0 1.0", "made for tests", (SourceFile("many.csv", None, rows),))
    card = replace(CARD, sources=(source,))
    first = take_in(workspace, tmp_path / "many.csv", card)
    before = snapshot(workspace)
    (tmp_path / "many.csv").rename(tmp_path / "copy.csv")
    again = take_in(workspace, tmp_path / "copy.csv", card)
    assert snapshot(workspace) == before
    assert again.snapshot_sha256 == first.snapshot_sha256 == first.files[0].sha256
    parquet = pq.ParquetFile(workspace.raw_table("applications")).metadata
    assert [parquet.row_group(group).num_rows for group in range(parquet.num_row_groups)] == [131_072, 131_072, 37_856]
    read, _ = read_parquet(workspace.raw_table("applications"))
    pd.testing.assert_frame_equal(read, frame, check_exact=True)


def test_the_snapshot_is_known_by_all_of_its_files(workspace: Workspace, tables: Path) -> None:
    first = take_in(workspace, tables).snapshot_sha256
    assert {read_parquet(path)[1][b"scorebox.snapshot"].decode() for path in workspace.raw.iterdir()} == {first}
    (tables / "payments.csv").write_bytes(PAYMENTS.replace(b"1,0,0.25", b"1,0,0.75"))
    assert take_in(workspace, tables).snapshot_sha256 != first


def test_one_file_serves_the_data_set_of_one_file_whatever_it_is_called(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "renamed.csv").write_bytes(ONE)
    summary = take_in(workspace, tmp_path / "renamed.csv")
    assert (summary.title, summary.form, summary.files[0].verified) == ("One File", "file", True)


def test_the_first_complete_data_set_is_taken(workspace: Workspace, tables: Path) -> None:
    (tables / "one.csv").write_bytes(ONE)
    assert take_in(workspace, tables).title == "Three Files"
    (tables / "codes.data").unlink()
    assert take_in(workspace, tables).title == "One File"
    assert sorted(snapshot(workspace)) == ["applications.parquet"], "nothing of the old snapshot stays"


def test_parquet_stands_in_for_a_file_and_is_not_verified(workspace: Workspace, tables: Path) -> None:
    (tables / "clients.csv").unlink()
    pq.write_table(pa.table({"ID": pa.array([1, 2], pa.int32())}), tables / "clients.parquet")
    summary = take_in(workspace, tables)
    clients = summary.files[0]
    assert (clients.name, clients.format, clients.verified, clients.rows) == ("clients.parquet", "parquet", False, 2)
    assert str(pq.read_schema(workspace.raw_table("clients")).field("ID").type) == "int32"
    assert not summary.sample_data


def test_sample_data_given_as_a_source_stay_sample_data(workspace: Workspace, tables: Path) -> None:
    made_up = pa.table({"ID": [1]}).replace_schema_metadata({b"scorebox.sample": b"true"})
    pq.write_table(made_up, tables / "codes.parquet")
    (tables / "codes.data").unlink()
    summary = take_in(workspace, tables)
    assert (summary.sample_data, summary.title) == (True, "SAMPLE DATA, made up by Scorebox")
    assert read_parquet(workspace.raw_table("clients"))[1][b"scorebox.sample"] == b"true"


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_only_the_wanted_files_of_an_archive_are_unpacked_and_none_outside(
    workspace: Workspace, tables: Path, tmp_path: Path, pack: object
) -> None:
    assert callable(pack)
    take_in(workspace, tables)
    from_folder = snapshot(workspace)
    inside = {f"../../../{tmp_path.name}-escaped/{name}": content for name, content in TABLES.items()}
    archive = pack(
        tmp_path / "all.tar.gz" if pack is tarred else tmp_path / "all.zip", {"../other.csv": b"x", **inside}
    )
    before = set(tmp_path.parent.rglob("*.csv"))
    summary = take_in(workspace, archive)
    assert summary.form == "archive"
    assert snapshot(workspace) == from_folder
    assert set(tmp_path.parent.rglob("*.csv")) == before


def test_a_gz_file_is_one_file(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "cards.csv.gz").write_bytes(gzip.compress(ONE))
    summary = take_in(workspace, tmp_path / "cards.csv.gz")
    assert (summary.form, summary.files[0].name, summary.files[0].verified) == ("archive", "cards.csv", True)


def test_an_archive_with_two_files_of_one_name_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "two.zip", {"2024/one.csv": ONE, "2025/one.csv": ONE})
    with pytest.raises(DataError, match=r"two\.zip holds two files one\.csv"):
        take_in(workspace, archive)


def test_a_link_in_an_archive_is_no_file(workspace: Workspace, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "links.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("one.csv")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hosts"
        archive.addfile(member)
    with pytest.raises(DataError, match=r"One File lacks one\.csv"):
        take_in(workspace, tmp_path / "links.tgz")


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz", "bomb.csv.gz"])
def test_an_archive_that_grows_beyond_the_limit_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(archives, "LARGEST", 1 << 20)
    bomb = b"\0" * (3 << 20)
    path = tmp_path / name
    if name.endswith(".zip"):
        zipped(path, {"one.csv": bomb})
    elif name.endswith(".tar.gz"):
        tarred(path, {"one.csv": bomb})
    else:
        path.write_bytes(gzip.compress(bomb))
    with pytest.raises(DataError, match=f"{name} holds more than 0 GiB unpacked"):
        take_in(workspace, path)
    assert not workspace.raw.exists()


def test_the_web_gives_one_file_a_folder_or_an_archive(workspace: Workspace, tables: Path, web: str) -> None:
    take_in(workspace, tables)
    from_folder = snapshot(workspace)
    assert take_in(workspace, f"{web}/tables/").form == "folder"
    assert snapshot(workspace) == from_folder
    summary = written(workspace)
    assert all(file["modified_at"] for file in summary["files"]), "by Last-Modified"
    zipped(tables.parent / "all.zip", TABLES)
    assert take_in(workspace, f"{web}/all.zip").form == "archive"
    (tables.parent / "raw").write_bytes(ONE)
    assert take_in(workspace, f"{web}/raw").title == "One File"


def test_credentials_of_a_url_are_written_nowhere(workspace: Workspace, tables: Path, web: str) -> None:
    secret = web.replace("//", "//someone:pa%40ssword@") + "/tables/?token=abcdefgh&sig=a%2Fb%3D"
    take_in(workspace, secret)
    assert written(workspace)["source"] == f"{web}/tables/"
    for part in ("someone", "pa%40ssword", "pa@ssword", "abcdefgh", "a%2Fb%3D"):
        assert part not in workspace.ingestion.read_text()
    with pytest.raises(DataError) as refused:
        take_in(workspace, secret.replace("tables", "nothing"))
    with pytest.raises(DataError) as unread:
        take_in(workspace, secret.replace("tables/", "nothing.csv"))
    for error in (refused, unread):
        assert not any(part in str(error.value) for part in ("someone", "ssword", "abcdefgh", "a%2Fb", "a/b="))


def test_a_user_s_name_is_taken_out_of_a_url_and_not_out_of_its_path() -> None:
    assert shown("https://data:words@host/data/words.csv?key=data#top") == "https://host/data/words.csv#top"
    assert shown("dvc://https://me:word@host/data.git#v1:raw") == "dvc://https://host/data.git#v1:raw"
    assert shown("what?/is@this.csv") == "what?/is@this.csv"


def test_a_download_that_ends_early_is_refused(workspace: Workspace) -> None:
    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(ONE)))
            self.end_headers()
            self.wfile.write(ONE[:5] if self.command == "GET" else b"")

        do_HEAD = do_GET  # noqa: N815  # the base class's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        with pytest.raises(DataError, match=r"toy: cannot read http://127.0.0.1:\d+/one.csv: "):
            take_in(workspace, f"http://127.0.0.1:{server.server_port}/one.csv")
        server.shutdown()
    assert not workspace.raw.exists()


def broken_parquet(folder: Path) -> None:
    (folder / "clients.csv").unlink()
    pq.write_table(pa.table({"ID": list(range(1_000))}), folder / "clients.parquet")
    content = (folder / "clients.parquet").read_bytes()
    (folder / "clients.parquet").write_bytes(content[:-100])


def damaged_pages(folder: Path) -> None:
    (folder / "clients.csv").unlink()
    pq.write_table(pa.table({"ID": list(range(1_000))}), folder / "clients.parquet", compression="zstd")
    content = bytearray((folder / "clients.parquet").read_bytes())
    content[40:400] = bytes(360)
    (folder / "clients.parquet").write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda folder: (folder / "clients.csv").unlink(), "Three Files lacks clients.csv; One File lacks one.csv"),
        (
            lambda folder: (folder / "clients.csv").write_bytes(CLIENTS + b"\n"),
            f"clients.csv of .* is not the published file: its sha256 is .*, Three Files has {sha256(CLIENTS)}",
        ),
        (
            lambda folder: (folder / "payments.csv").write_bytes(PAYMENTS + b"1,401,2\n"),
            "401 rows were read of payments.csv, the published file has 400",
        ),
        (
            lambda folder: (folder / "payments.csv").write_bytes(PAYMENTS + b"1,SECRET\n"),
            "payments.csv: row 400: Row should have 3 cells, has 2$",
        ),
        (
            lambda folder: (folder / "payments.csv").write_bytes(b"ID,ID,A\n1,2,3\n"),
            "payments.csv: ID: Column is given twice",
        ),
        (lambda folder: (folder / "payments.csv").write_bytes(b""), "payments.csv is empty"),
        (
            lambda folder: (folder / "payments.csv").write_bytes(b"ID,NAME\n1,\xff\xfe\n"),
            "payments.csv is not UTF-8 in line 2",
        ),
        (broken_parquet, "clients.parquet is not a whole Parquet file"),
        (damaged_pages, "clients.parquet is not a whole Parquet file"),
    ],
)
def test_what_is_broken_is_named_and_the_old_snapshot_stays_whole(
    workspace: Workspace, tables: Path, damage: object, complaint: str
) -> None:
    assert callable(damage)
    take_in(workspace, tables)
    before, summary = snapshot(workspace), written(workspace)
    damage(tables)
    with pytest.raises(DataError, match=complaint) as error:
        take_in(workspace, tables, published="published file" in complaint)
    assert "\n" not in str(error.value)
    assert "SECRET" not in str(error.value)
    assert (snapshot(workspace), written(workspace)) == (before, summary)


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        ("nowhere", "toy: cannot read nowhere: there is no such file or folder"),
        ("ftp2://host/file.csv", "toy: cannot read ftp2://host/file.csv: Protocol not known: ftp2"),
        ("http://127.0.0.1:9/one.csv", "cannot read http://127.0.0.1:9/one.csv: Cannot connect to host 127.0.0.1:9"),
        ("http://127.0.0.1:9/tables/", "cannot read http://127.0.0.1:9/tables/: Cannot connect to host 127.0.0.1:9"),
        ("https://no-such-host.invalid/one.csv", "Cannot connect to host no-such-host.invalid:443"),
        ("dvc://somewhere", "a DVC location reads dvc://REPOSITORY#PATH"),
        ("kaggle://kernels/one", "a Kaggle location reads kaggle://competitions/NAME or kaggle://datasets/OWNER/NAME"),
    ],
)
def test_a_location_that_cannot_be_read_is_one_line(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=complaint) as error:
        take_in(workspace, location)
    assert "\n" not in str(error.value)
    assert not workspace.raw.exists()


def test_a_damaged_archive_is_named(workspace: Workspace, tmp_path: Path) -> None:
    whole = zipped(tmp_path / "all.zip", TABLES).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    cut = tarred(tmp_path / "all.tgz", TABLES).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(ONE)[:-12])
    for name in ("cut.zip", "cut.tgz", "cut.csv.gz"):
        with pytest.raises(DataError, match=f"{name}"):
            take_in(workspace, tmp_path / name)
    assert not workspace.raw.exists()


def test_one_file_cannot_serve_a_data_set_of_several(workspace: Workspace, tables: Path) -> None:
    with pytest.raises(DataError, match=r"is one file; it takes .* with clients.csv, payments.csv, codes.data"):
        take_in(workspace, tables / "clients.csv", replace(CARD, sources=(THREE_FILES,)))


def test_what_a_killed_run_left_is_cleared_away(workspace: Workspace, tables: Path) -> None:
    workspace.incoming.mkdir(parents=True)
    (workspace.incoming / "clients.csv").write_text("half")
    take_in(workspace, tables)


def test_sample_data_have_a_table_and_a_summary_of_the_same_form(workspace: Workspace) -> None:
    summary = ingest(replace(CARD, sources=(ONE_FILE,)), workspace, None, 1_000, lambda what, more, total: None)
    assert (summary.form, summary.sample_data, summary.total.rows) == ("sample", True, 1_000)
    assert read_parquet(workspace.raw_table("applications"))[1] == {
        b"scorebox.data": b"sample",
        b"scorebox.sample": b"true",
        b"scorebox.snapshot": summary.snapshot_sha256.encode(),
    }


def test_the_command_shows_each_file_and_ends_with_code_1_if_one_is_broken(scorebox: Run, project: Project) -> None:
    (project.folder / "broken.csv").write_text("ID\n1\n")
    code, printed = scorebox("ingest", "card_default", "--source", "broken.csv", "--published")
    assert code == 1
    assert "error card_default: broken.csv is not the published file" in printed
