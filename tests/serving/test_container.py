"""The command of an image, as far as it goes without one; `tests/deploy/test_image.py` has the rest."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.serving.toy import environment


def start(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "serving.container", str(folder)],
        cwd=PROJECT, env=environment(folder) | given, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("port", ["tcp://10.0.0.1:3000", "70000", "-1"])
def test_a_wrong_port_ends_the_start_with_one_line_that_names_it(tmp_path: Path, port: str) -> None:
    done = start(tmp_path, BENTOML_PORT=port)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"scorebox cannot start: it cannot listen at BENTOML_HOST 127.0.0.1, BENTOML_PORT {port}: ")


def test_a_port_in_use_ends_the_start_with_one_line_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = start(tmp_path, BENTOML_PORT=port)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"BENTOML_PORT {port}: " in line
    assert "in use" in line
