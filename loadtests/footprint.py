"""`python -m loadtests.footprint`: size, time to ready and memory of a release image, in docs/measured/footprint.md."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from loadtests import ROOT
from loadtests.bench_report import command_line
from loadtests.client import ClientError, Plan, http_request, measure
from loadtests.machine import busy_share, divide_cores, facts
from loadtests.server import free_port, is_ready
from scoring import scorecards

MOST_BYTES = 350_000_000
MOST_SECONDS = 3.0
MOST_MEMORY = 250_000_000
REST_SECONDS = 3.0
LONGEST_START = 60.0
CONNECTIONS = 8
CANNOT_RUN = 2

OPTIONS = (
    *("--read-only", "--mount", "type=tmpfs,destination=/tmp", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--cpus", "1", "--memory", "512m"),
)


class FootprintError(RuntimeError):
    """It cannot be measured; the message says why."""


@dataclass(frozen=True)
class Start:
    """One start of a container.

    Attributes:
        seconds: from `docker run` to the first 200 of /readyz.
        rest_bytes: memory of the container a little after that; file pages that can be dropped do not count.
        worked_bytes: the same after a load.
        served: requests of that load that were answered.
    """

    seconds: float
    rest_bytes: int
    worked_bytes: int
    served: int


def docker(*arguments: str) -> str:
    """Run a command of the engine and return its standard output.

    Raises:
        FootprintError: it failed.
    """
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise FootprintError(f"no container engine: {error}; deploy/engine.sh installs one") from None
    if done.returncode:
        raise FootprintError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def inspect(image: str) -> dict[str, Any]:
    """Return the engine's description of an image."""
    (found,) = json.loads(docker("image", "inspect", image))
    assert isinstance(found, dict)
    return found


def start(image: str, body: bytes, seconds: float) -> Start:
    """Start the image as the platform would, wait, load it, and remove it.

    Raises:
        FootprintError: it does not become ready.
        ClientError: the load generator failed.
    """
    name, port = f"scorebox-footprint-{uuid4().hex[:8]}", free_port()
    began = time.perf_counter()
    docker("run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:3000", *OPTIONS, image)
    try:
        while not is_ready(port, "/readyz"):
            if time.perf_counter() - began > LONGEST_START:
                raise FootprintError(f"{image} was not ready after {LONGEST_START:g} s: {docker('logs', name)}")
            time.sleep(0.01)
        ready = time.perf_counter() - began
        time.sleep(REST_SECONDS)
        at_rest = memory(name)
        request = http_request("/predict", body)
        seen = measure(Plan(port, [request], CONNECTIONS, seconds), divide_cores().client)
        if seen.failed:
            raise FootprintError(f"{image} failed {seen.failed} requests: {seen.errors}")
        return Start(ready, at_rest, memory(name), seen.answered)
    finally:
        docker("rm", "--force", "--volumes", name)


def memory(container: str) -> int:
    """Return the bytes that the container uses, by `docker stats`."""
    shown = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).partition("/")[0].strip()
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if shown.endswith(unit):
            return int(float(shown.removesuffix(unit)) * size)
    raise FootprintError(f"docker stats says {shown!r}")


def page(image: str, base: str, beside: str | None, busy: str, starts: list[Start], command: str) -> str:
    """Return the page of docs/."""
    found, under = inspect(image), inspect(base)
    stand_in = (under["Config"].get("Labels") or {}).get("scorebox.stand-in")
    size, base_size = found["Size"], under["Size"]
    seconds = [one.seconds for one in starts]
    rest, worked = max(one.rest_bytes for one in starts), max(one.worked_bytes for one in starts)
    standard = [beside] if beside else []
    rows = [
        ("Size over the base, MB", size - base_size, MOST_BYTES, 1e6, 0),
        ("Start to ready, median, s", median(seconds), MOST_SECONDS, 1, 2),
        ("Memory at rest, MB", rest, MOST_MEMORY, 1e6, 0),
    ]
    known = facts(divide_cores())
    about = {
        "Date": known["Date"],
        # What follows is of servers outside containers.
        "Processor": known["Processor"].partition(";")[0],
        "Busy before the first start": busy,
        "Engine": f"Docker {docker('version', '--format', '{{.Server.Version}}')}",
        "Image": f"{image}, {found['Config']['Labels']['scorebox.model']}",
        "Base": f"{base}, {base_size / 1e6:.0f} MB" + (f"; {stand_in} stands in for it" if stand_in else ""),
    }
    lines = [
        "# What a release image takes",
        "",
        f"Made by `{command}`. Containers run with a read-only root, no capabilities, one core and 512 MB. A start is "
        "from `docker run` to the first 200 of `/readyz`. Memory is the largest that `docker stats` told.",
        "",
        *("|  |  |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in about.items())),
        "",
        *("| bar | figure | at most |  |", "| --- | ---: | ---: | --- |"),
        *(
            f"| {name} | {value / unit:.{digits}f} | {most / unit:g} | {'holds' if value <= most else 'falls short'} |"
            for name, value, most, unit, digits in rows
        ),
        "",
        *("| figure |  |", "| --- | ---: |"),
        f"| Size, MB | {size / 1e6:.0f} |",
        *(f"| Size by `bentoml containerize`, MB | {inspect(one)['Size'] / 1e6:.0f} |" for one in standard),
        f"| Starts | {len(starts)} |",
        f"| Start to ready, fastest and slowest, s | {min(seconds):.2f} and {max(seconds):.2f} |",
        f"| Memory after {median(one.served for one in starts):,.0f} requests, MB | {worked / 1e6:.0f} |",
        "",
    ]
    return "\n".join(lines)


def main(
    image: Annotated[str, typer.Argument(help="The tag of a release image; see `scorebox image`.")],
    base: Annotated[str, typer.Option(help="The image that it was built on.")] = "python:3.11-slim",
    beside: Annotated[str | None, typer.Option(help="An image by `bentoml containerize`, for its size.")] = None,
    starts: Annotated[int, typer.Option(min=1, help="How often it is started.")] = 7,
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds of load after each start.")] = 3.0,
    docs: Annotated[Path, typer.Option(help="The folder for footprint.md.")] = ROOT / "docs" / "measured",
) -> None:
    """Measure size, start and memory of a release image on this machine."""
    try:
        name = inspect(image)["Config"]["Labels"]["scorebox.scorecard"]
        body = json.dumps(dict(scorecards.load(name).example)).encode()
        busy = f"{busy_share():.0%} of all cores"
        measured = [start(image, body, seconds) for _ in range(starts)]
        written = page(image, base, beside, busy, measured, command_line("loadtests.footprint", sys.argv[1:]))
    except (FootprintError, ClientError) as error:
        Console(stderr=True).print(f"footprint: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_RUN) from None
    (docs / "footprint.md").write_text(written)
    Console().print(written, markup=False)


if __name__ == "__main__":
    typer.run(main)
