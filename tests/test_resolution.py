"""Every extra can be installed without `constraints.txt`: uv and the pip that Python brings find versions that fit."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.slow

EXTRAS = tuple(tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


@pytest.mark.parametrize("extras", [*((name,) for name in EXTRAS), EXTRAS], ids=[*EXTRAS, "all together"])
def test_uv_finds_versions_that_fit(extras: tuple[str, ...]) -> None:
    chosen = [part for name in extras for part in ("--extra", name)]
    done = subprocess.run(
        [sys.executable, "environment.py", "uv", "pip", "compile", "--quiet", "pyproject.toml", *chosen],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("==") > 3


def test_the_pip_that_python_brings_finds_versions_that_fit_for_the_service(tmp_path: Path) -> None:
    """Of `serve` alone, 20 s of CPU time: of all extras pip takes many minutes, and only here were its ways tangled."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    report = tmp_path / "report.json"
    options = ["--dry-run", "--quiet", "--report", str(report)]
    command = [str(tmp_path / "venv" / "bin" / "pip"), "install", *options, f"{PROJECT}[serve]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {item["metadata"]["name"].lower().replace("_", "-") for item in json.loads(report.read_text())["install"]}
    assert {"bentoml", "opentelemetry-instrumentation-asgi", "onnxruntime"} <= found
