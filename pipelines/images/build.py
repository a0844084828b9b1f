"""A scorecard's images: built, labelled, and listed part by part."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.images import bom, engine
from pipelines.images.context import Source, context, source
from scoring.files import write_atomically

BASE = "python:3.11-slim"
IMAGES = Path("artifacts") / "images"


class Target(StrEnum):
    """The images that the Dockerfile describes."""

    RELEASE = "release"
    SHIPPER = "shipper"


@dataclass(frozen=True)
class Image:
    """An image that has been built.

    Attributes:
        tag: its name and version.
        identity: its id, `sha256:` and a hash of its configuration and layers.
        bytes: its size, unpacked, with its base.
        base_bytes: that of its base.
        bom: the file that lists what is in it, CycloneDX.
    """

    tag: str
    identity: str
    bytes: int
    base_bytes: int
    bom: Path


def build(scorecard: str, base: str = BASE, target: Target = Target.RELEASE) -> Image:
    """Builds an image of the scorecard's release, also tagged `latest`.

    Args:
        scorecard: whose release it is.
        base: the image to build on, with Python 3.11 and pip.
        target: which image.

    Raises:
        ModelStoreError: there is no release, or the store does not hold its models.
        StageError: there is no engine, or the build failed.
    """
    made_from = source(scorecard)
    name = made_from.name if target is Target.RELEASE else f"{made_from.name}_{target}"
    tag = f"{name}:{made_from.version}"
    with context(made_from) as folder:
        arguments = {"BASE": base, "SOURCE_DATE_EPOCH": str(made_from.seconds)}
        engine.build(folder, target, [tag, f"{name}:latest"], arguments, labels(made_from, base))
    listed = IMAGES / f"{name}-{made_from.version}.cdx.json"
    built = engine.inspect(tag)
    write_atomically(listed, bom.describe(tag, made_from))
    return Image(tag, built.identity, built.bytes, engine.inspect(base).bytes, listed)


def labels(made_from: Source, base: str) -> dict[str, str]:
    """What an image says of itself: OCI's own names, and the model that it serves."""
    model = made_from.serving
    return {
        "org.opencontainers.image.title": made_from.name,
        "org.opencontainers.image.version": made_from.version,
        "org.opencontainers.image.revision": made_from.revision,
        "org.opencontainers.image.base.name": base,
        "scorebox.scorecard": made_from.release.scorecard,
        "scorebox.model": model.tag,
        "scorebox.graph-sha256": model.graph_sha256,
        "scorebox.data": "sample" if model.data.sample else "real",
    }
