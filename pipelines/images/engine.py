"""The container engine, by its command `docker`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.errors import StageError


def docker(*arguments: str, given: str | None = None) -> str:
    """Run a command of the engine and return its standard output.

    Raises:
        StageError: there is no such command, or it failed.
    """
    try:
        done = subprocess.run(
            ["docker", *arguments], input=given, env=_environment(), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise StageError(f"no container engine: {error}; deploy/engine.sh installs one") from None
    if done.returncode:
        raise StageError(f"docker {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def build(
    context: Path,
    target: str,
    tag: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    cached: bool = True,
) -> None:
    """Build one target of the context's Dockerfile, from the engine's cache where that holds.

    Raises:
        StageError: it cannot be built.
    """
    docker(
        *("build", "--target", target, "--tag", tag),
        *(word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")),
        *(word for name, value in labels.items() for word in ("--label", f"{name}={value}")),
        *(() if cached else ("--no-cache",)),
        str(context),
    )


@dataclass(frozen=True)
class Inspected:
    """The engine's description of an image: its id, its size in bytes, the hashes of its layers."""

    identity: str
    bytes: int
    layers: tuple[str, ...]


def inspect(image: str) -> Inspected:
    """Return the engine's description of an image.

    Raises:
        StageError: the engine does not have it.
    """
    (found,) = json.loads(docker("image", "inspect", image))
    return Inspected(found["Id"], found["Size"], tuple(found["RootFS"]["Layers"]))


def _environment() -> dict[str, str]:
    return {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
