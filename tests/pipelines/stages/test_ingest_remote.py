"""Ingestion from real servers: S3 by moto, Azure Blob by Azurite, a DVC remote, Kaggle's client over HTTP."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests.server import free_port
from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.scorecards import load
from tests.conftest import PROJECT, Project
from tests.needs import program
from tests.pipelines.stages.feeds import CLIENTS, ONE, TABLES, sha256, snapshot, take_in, write_tables, written
from tests.waiting import LONGEST_WAIT

# Azurite's published account, of every installation.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace("toy", "full", tmp_path / "artifacts")


def started(command: list[str], port: int, log: Path) -> subprocess.Popen[bytes]:
    """A server's process, once its port answers."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    pytest.fail(f"{command[0]} did not start: {log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=LONGEST_WAIT)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an S3 server with the three files in `s3://raw/credit/`."""
    import botocore.session

    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    process = started([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, log)
    endpoint = f"http://127.0.0.1:{port}"
    s3 = botocore.session.get_session().create_client(
        "s3", "us-east-1", endpoint_url=endpoint, aws_access_key_id="key", aws_secret_access_key="word"
    )
    s3.create_bucket(Bucket="raw")
    for name, content in TABLES.items():
        s3.put_object(Bucket="raw", Key=f"credit/{name}", Body=content)
    s3.put_object(Bucket="raw", Key="one.csv", Body=ONE)
    s3.close()
    yield endpoint
    stop(process)


@pytest.fixture
def s3(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a user of that server."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("s3")
def test_s3_gives_a_prefix_or_an_object(workspace: Workspace, tmp_path: Path) -> None:
    take_in(workspace, write_tables(tmp_path / "tables"))
    from_folder = snapshot(workspace)
    assert take_in(workspace, "s3://raw/credit").title == "Three Files"
    assert snapshot(workspace) == from_folder
    assert all(file["modified_at"] for file in written(workspace)["files"])
    assert take_in(workspace, "s3://raw/one.csv").title == "One File"


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        ("s3://no-such-bucket/credit", "The specified bucket does not exist"),
        ("s3://raw/nothing", "there is no such file or folder"),
    ],
)
def test_an_unknown_bucket_or_prefix_is_one_line(workspace: Workspace, location: str, complaint: str) -> None:
    with pytest.raises(DataError, match=f"^toy: cannot read {location}: {complaint}$"):
        take_in(workspace, location)
    assert not workspace.raw.exists()


@pytest.mark.usefixtures("s3")
def test_s3_without_credentials_is_one_line(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"^toy: cannot read s3://raw/credit: Unable to locate credentials$"):
        take_in(workspace, "s3://raw/credit")


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an Azure Blob server with the three files in `az://raw/credit/`."""
    from azure.storage.blob import BlobServiceClient

    how = "npm install --prefix .azurite azurite@3"
    command = program("azurite-blob", how, folder=f"{PROJECT}/.azurite/node_modules/.bin")
    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--disableTelemetry"]
    # Its releases trail the client's newest API version.
    log = tmp_path_factory.mktemp("azurite") / "log"
    process = started([command, *options, "--skipApiVersionCheck"], port, log)
    address = (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
    )
    with BlobServiceClient.from_connection_string(address) as service, service.create_container("raw") as blobs:
        for name, content in TABLES.items():
            blobs.upload_blob(f"credit/{name}", content)
    yield address
    stop(process)


@pytest.mark.slow
def test_azure_gives_a_prefix_and_names_an_unknown_container(
    workspace: Workspace, tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(workspace, write_tables(tmp_path / "tables"))
    from_folder = snapshot(workspace)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", container)
    assert take_in(workspace, "az://raw/credit").title == "Three Files"
    assert snapshot(workspace) == from_folder
    assert all(file["modified_at"] for file in written(workspace)["files"])
    assert AZURITE_KEY not in workspace.ingestion.read_text()
    with pytest.raises(DataError, match=r"^toy: cannot read az://none/credit: there is no such file or folder$"):
        take_in(workspace, "az://none/credit")
    assert snapshot(workspace) == from_folder


def test_azure_without_credentials_is_one_line(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    complaint = "no Azure credentials: set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_NAME"
    with pytest.raises(DataError, match=f"^toy: cannot read az://raw/credit: {complaint}"):
        take_in(workspace, "az://raw/credit")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A DVC repository whose data are in its remote only: of the tag v1 all three files, later one of them changed."""
    folder = tmp_path / "registry"
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def run(*command: str) -> None:
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

    dvc = (sys.executable, "-m", "dvc")
    write_tables(folder / "credit")
    run("git", "init", "-q")
    run(*dvc, "init", "-q")
    run(*dvc, "config", "core.analytics", "false")
    run(*dvc, "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    run(*dvc, "add", "-q", "credit")
    run("git", "add", "-A")
    run("git", "commit", "-qm", "first")
    run("git", "tag", "v1")
    run(*dvc, "push", "-q")
    (folder / "credit" / "clients.csv").write_bytes(CLIENTS + b"4,New,Y,1\n")
    run(*dvc, "add", "-q", "credit")
    run("git", "commit", "-qam", "second")
    run(*dvc, "push", "-q")
    shutil.rmtree(folder / "credit")
    shutil.rmtree(folder / ".dvc" / "cache")
    return folder


@pytest.mark.slow
def test_a_dvc_remote_gives_the_files_of_a_revision(workspace: Workspace, registry: Path, tmp_path: Path) -> None:
    take_in(workspace, write_tables(tmp_path / "tables"))
    from_folder = snapshot(workspace)
    assert take_in(workspace, f"dvc://{registry}#v1:credit").title == "Three Files"
    assert snapshot(workspace) == from_folder
    for location, complaint in (
        (f"dvc://{registry}#credit", "clients.csv of .* is not the published file"),
        (f"dvc://{registry}#v2:credit", "unknown Git revision 'v2'"),
        (f"dvc://{registry}#v1:debit", "there is no such file or folder"),
        (f"dvc://{tmp_path}/none#credit", "there is no DVC repository"),
    ):
        with pytest.raises(DataError, match=complaint) as error:
            take_in(workspace, location, published=True)
        assert "\n" not in str(error.value)
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(DataError, match=r"cannot read .*: No storage files available"):
        take_in(workspace, f"dvc://{registry}#v1:credit")
    assert snapshot(workspace) == from_folder


class Kaggle(BaseHTTPRequestHandler):
    """Answers what Kaggle's client asks of a competition and a data set; reached as the client's HTTP proxy."""

    files: dict[str, bytes]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.headers["Authorization"]:
            self.send_error(401)
        elif asked.get("competitionName") == "closed":
            self.send_error(403)
        elif self.path.endswith(("/ListDataFiles", "/ListDatasetFiles")):
            # One file a page.
            number = int(asked.get("pageToken") or 0)
            names = list(self.files)
            page = {"name": names[number], "totalBytes": 1, "creationDate": "2018-05-17T18:00:00Z"}
            following = str(number + 1) if number + 1 < len(names) else ""
            listing = "datasetFiles" if self.path.endswith("DatasetFiles") else "files"
            self.answer(json.dumps({listing: [page], "nextPageToken": following}).encode(), "application/json")
        else:
            self.answer(self.files[asked["fileName"]], "application/octet-stream")

    def answer(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass


@pytest.fixture
def kaggle(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which Kaggle's client talks to a server of this test."""
    buffer = io.BytesIO()
    made = load("card_default").sample(np.random.default_rng(0), 3)
    pq.write_table(pa.table({"ID": [1, 2, 3], **{name: made[name] for name in made if name != "ID"}}), buffer)
    Kaggle.files = {"other.csv": b"x", "data/UCI_Credit_Card.parquet": buffer.getvalue()}
    with ThreadingHTTPServer(("127.0.0.1", 0), Kaggle) as server:
        threading.Thread(target=server.serve_forever).start()
        yield {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "KAGGLE_USERNAME": "someone",
            "KAGGLE_KEY": "key",
            "KAGGLE_CONFIG_DIR": str(tmp_path / "kaggle"),
            "http_proxy": f"http://127.0.0.1:{server.server_port}",
            "no_proxy": "",
            "NO_PROXY": "",
        }
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["competitions/cards", "datasets/uci/cards"])
def test_kaggle_s_client_gives_the_files_of_a_page(project: Project, kaggle: dict[str, str], page: str) -> None:
    made = project.scorebox("ingest", "card_default", "--source", f"kaggle://{page}", check=False, **kaggle)
    assert made.returncode == 0, made.stderr
    folder = project.folder / "artifacts" / "full" / "card_default"
    (file,) = json.loads((folder / "reports" / "ingestion_summary.json").read_text())["files"]
    assert (file["name"], file["rows"], file["verified"]) == ("UCI_Credit_Card.parquet", 3, False)
    assert file["modified_at"] == "2018-05-17T18:00:00+00:00"


@pytest.mark.slow
def test_a_file_that_kaggle_sends_as_a_zip_is_unpacked(project: Project, kaggle: dict[str, str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("UCI_Credit_Card.csv", ONE)
    Kaggle.files = {"UCI_Credit_Card.csv": buffer.getvalue()}
    ended = project.scorebox(
        "ingest", "card_default", "--source", "kaggle://competitions/cards", "--published", check=False, **kaggle
    )
    assert ended.returncode == 1
    assert f"is not the published file: its sha256 is {sha256(ONE)}" in " ".join(ended.stderr.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "changed", "complaint"),
    [
        ("competitions/closed", {}, "Kaggle refuses access; a competition's rules must be accepted on its page first"),
        ("competitions/cards", {"KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}, "no valid Kaggle credentials"),
    ],
)
def test_what_kaggle_refuses_is_one_line(
    project: Project, kaggle: dict[str, str], page: str, changed: dict[str, str], complaint: str
) -> None:
    kaggle = {**kaggle, "HOME": str(project.folder), **changed}
    kaggle = {name: value for name, value in kaggle.items() if value or "proxy" in name.lower()}
    ended = project.scorebox("ingest", "card_default", "--source", f"kaggle://{page}", check=False, **kaggle)
    assert ended.returncode == 1
    printed = " ".join(ended.stderr.split())
    assert f"error card_default: cannot read kaggle://{page}: {complaint}" in printed
    assert "Traceback" not in ended.stderr
    assert not (project.folder / "artifacts" / "full" / "card_default" / "raw").exists()
