"""Commands that are killed with SIGKILL at one of their file events.

Run as a program it imports what the commands need once, and forks a process for each line on its standard input.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
CHANGES = {"os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"}
# They start no thread when they are imported, which a fork would lose.
COSTLY = (
    "pipelines.cli.push",
    "pipelines.cli.registry",
    "bentoml.models",
    "mlflow.onnx",
    "mlflow.pyfunc",
    "mlflow.store.db.utils",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "alembic.command",
    "alembic.migration",
    "pandas",
    "jinja2",
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Order:
    """One command, and the file event before which its process is killed; None lets it end."""

    folder: str
    """Where it runs; only events below it count."""
    home: str
    """BENTOML_HOME."""
    temporary: str
    arguments: list[str]
    kill_at: int | None
    output: str


@dataclass(frozen=True)
class Ended:
    """The end of a command: its exit code, or the negative number of the signal that ended it."""

    code: int
    printed: str

    @property
    def is_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Commands:
    """A process that has everything imported, and forks one for each command."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, folder: Path, *arguments: str, kill_at: int | None = None) -> Ended:
        """Run a command in the folder; its store and temporary folder are `store` and `temporary` there."""
        output = folder.with_suffix(".output")
        order = Order(
            str(folder), str(folder / "store"), str(folder / "temporary"), list(arguments), kill_at, str(output)
        )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return Ended(int(self._process.stdout.readline()), " ".join(output.read_text().split()))


@contextmanager
def commands() -> Iterator[Commands]:
    """A process for commands, until the block ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCOREBOX_", "MLFLOW_"))}
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        env={**kept, "COLUMNS": "300"},
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Commands(process)


class Killer:
    """Kills its own process before the given file event."""

    def __init__(self, folder: str, kill_at: int) -> None:
        self._folder, self._left = folder, kill_at

    def watch(self) -> None:
        """Count from now on: every change that Python's audit names, every commit, and halves of files."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        sys.addaudithook(self._audit)
        event.listen(Engine, "commit", lambda connection: self.count())
        written = Path.write_bytes

        def in_halves(path: Path, data: Any) -> int:
            content = bytes(data)
            written(path, content[: len(content) // 2])
            if str(path).startswith(self._folder):
                self.count()
            return written(path, content)

        Path.write_bytes = in_halves  # type: ignore[assignment,method-assign]

    def count(self) -> None:
        """Pass one event."""
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name != "open" and name not in CHANGES:
            return
        if name == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITES):
            return
        path = arguments[1] if name == "os.symlink" else arguments[0]
        with suppress(TypeError):
            if os.path.abspath(os.fsdecode(path)).startswith(self._folder):  # noqa: PTH100 no file events of its own
                self.count()


def _child(order: Order) -> None:
    """Run the command; the process ends with it."""
    code = 1
    try:
        descriptor = os.open(order.output, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.chdir(order.folder)
        os.environ["BENTOML_HOME"] = order.home
        tempfile.tempdir = order.temporary
        from bentoml._internal.configuration.containers import BentoMLContainer
        from bentoml._internal.models import ModelStore

        BentoMLContainer.model_store.set(ModelStore(Path(order.home, "models")))
        sys.argv = ["scorebox", *order.arguments]
        from pipelines import cli

        if order.kill_at is not None:
            Killer(order.folder, order.kill_at).watch()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    for name in COSTLY:
        importlib.import_module(name)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        if not (child := os.fork()):
            _child(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 the answer


if __name__ == "__main__":
    _serve()
