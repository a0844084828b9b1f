"""A file many times the size takes no more memory to fetch and to turn into Parquet."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PEAK_OF_AN_INGESTION = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from pipelines.workspace import Workspace
from scoring.scorecard import Source, SourceFile
from tests.pipelines.stages.feeds import CARD, take_in

source = Source("Large", "CC0 1.0", "made for tests", (SourceFile("large.csv", None, int(sys.argv[2])),))
take_in(Workspace("large", "full", Path(sys.argv[3])), sys.argv[1], replace(CARD, sources=(source,)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
LINE = "1234567,-1500,17.25,,Cash loans,0.123456789012345\n"


def peak(address: str, rows: int, folder: Path) -> int:
    """Largest resident memory of a process that ingests the file, in MiB."""
    command = [sys.executable, "-c", PEAK_OF_AN_INGESTION, f"{address}/{rows}.csv", str(rows), str(folder / str(rows))]
    return int(subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    few, many = 500_000, 6_000_000  # 25 and 300 MB
    for rows in (few, many):
        with (tmp_path / f"{rows}.csv").open("w") as file:
            file.write("A,B,C,D,E,F\n")
            for _ in range(rows // 100_000):
                file.write(LINE * 100_000)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        small, large = peak(address, few, tmp_path), peak(address, many, tmp_path)
        server.shutdown()
    (tmp_path / f"{many}.csv").unlink()  # pytest keeps folders of some runs
    assert large < small + 200, "MiB; the whole file as text and as a table would take over 600"
