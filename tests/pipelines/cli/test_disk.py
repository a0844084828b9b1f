"""A disk that is full or read-only is one line that names what could not be written, and nothing is lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.full_disk import full_disk
from tests.pipelines.conftest import Run
from tests.pipelines.governed import CARD, Governed
from tests.read_only import read_only

MADE = "artifacts/full/card_default"
WRITES = {
    "split": (MADE, f"{MADE}/train.parquet"),
    "export": (MADE, f"{MADE}/fp32.onnx"),
    "explain": (MADE, f"{MADE}/explain/fp32.onnx"),
    "card": (MADE, f"{MADE}/report/card.md"),
    "push": (MADE, f"{MADE}/push.json"),
    "cutoff --write": ("releases", "releases/card_default.policy.json"),
    "source s3://bucket/key": ("data", "data/sources/card_default"),
    f"score {MADE}/test.parquet out/scored.csv": ("out", "out/scored.csv"),
    "restore": ("releases", "releases/card_default.json"),
}
"""Commands, the folder that is read-only, and the file that they cannot write."""


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_full_disk_is_not_a_fault_of_the_source(scorebox: Run, tmp_path: Path) -> None:
    assert scorebox("ingest", "card_default")[0] == 0
    rows = tmp_path / "UCI_Credit_Card.parquet"
    shutil.copy(Path(MADE, "raw", "applications.parquet"), rows)
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, rows.name)
    snapshot = files_of(Path(MADE))
    for source, name in ((rows, "raw/applications.parquet"), (tmp_path / "packed.zip", f"fetched/{rows.name}")):
        with full_disk():
            code, printed = scorebox("ingest", "card_default", "--source", str(source))
        assert code == 1
        assert f"error cannot write {MADE}/.incoming/{name}: File too large" in printed
        assert files_of(Path(MADE)) == snapshot


def test_a_full_disk_is_one_line_of_every_command(governed: Governed) -> None:
    made = files_of(Path(MADE))
    temporary = ("", tempfile.gettempdir())
    written = {
        **WRITES,
        "push": temporary,
        "verify": (MADE, MADE),
        "cutoff --write": (MADE, f"{MADE}/reports/cutoff.png"),
    }
    del written["source s3://bucket/key"]  # a line, for which there is room
    for command, (_, file) in written.items():
        lose_release(governed, command)
        with full_disk():
            code, printed = governed.run(*words(command))
        assert code == 1, command
        assert f"error cannot write {file}" in printed, command
        assert printed.endswith(": File too large"), command
    lost = {path for path, content in made.items() if not path.exists() or path.read_bytes() != content}
    assert lost <= {governed.workspace.int8}, "what a stage makes anew is gone before it"


def test_read_only_folders_are_one_line_of_every_command(governed: Governed) -> None:
    for folder in ("data/sources", "out"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    before = files_of(Path())
    for command, (folder, file) in WRITES.items():
        lose_release(governed, command)
        with read_only(Path(folder)):
            code, printed = governed.run(*words(command))
        assert code == 1, command
        assert f"error cannot write {file}: " in printed, command
        assert printed.endswith(("Read-only file system", "Permission denied")), command
    after = files_of(Path())
    assert {path for path in before if after.get(path) != before[path]} <= {
        Path("mlflow.db"),
        governed.workspace.release,
    }


def test_a_registry_that_cannot_be_opened_is_one_line(governed: Governed) -> None:
    Path("mlflow.db").write_bytes(b"no database" * 100)
    code, printed = governed.run("registry", CARD.name)
    assert code == 1
    assert "mlflow.db cannot be opened: file is not a database" in printed


def lose_release(governed: Governed, command: str) -> None:
    if command == "restore":
        governed.workspace.release.unlink()


def words(command: str) -> list[str]:
    """The words of a command, after whose name the scorecard comes."""
    name, *others = command.split()
    return [name, CARD.name, *others]
