"""The page of figures, made from real containers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.deploy.engine import require_engine

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def measure(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loadtests.footprint", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_the_page_holds_size_start_and_memory(release_image: str, tmp_path: Path) -> None:
    done = measure(release_image, "--starts", "1", "--seconds", "0.5", "--docs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "footprint.md").read_text()
    bars = dict(re.findall(r"^\| ([\w ,]+) \| ([\d.]+) \| [\d.]+ \|", page, re.MULTILINE))
    assert set(bars) == {"Size over the base, MB", "Start to ready, median, s", "Memory at rest, MB"}
    assert all(float(figure) > 0 for figure in bars.values())
    assert f"| Image | {release_image}, card_default:1.0.0-fp32 |" in page


def test_an_image_that_is_not_there_is_named() -> None:
    require_engine()
    done = measure("scorebox_nothing:none")
    assert done.returncode == 2
    assert "scorebox_nothing:none" in done.stderr
