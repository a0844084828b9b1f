"""Images: built, labelled, and listed part by part."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.images import bom, engine
from pipelines.images.context import Code, Source, code, context, source
from scoring.files import write_atomically
from training.errors import StageError

BASE = "python:3.11-slim"
IMAGES = Path("artifacts") / "images"


class Target(StrEnum):
    """The images that the Dockerfile describes."""

    RELEASE = "release"
    SHIPPER = "shipper"
    WATCH = "watch"


REQUIREMENTS = {Target.RELEASE: "serve.txt", Target.SHIPPER: "ship.txt", Target.WATCH: "watch.txt"}
WATCH_IMAGE = "scorebox_watch"


@dataclass(frozen=True)
class Image:
    """An image that has been built.

    Attributes:
        tag: its name and version.
        bytes: its size, unpacked, with its base.
        base_bytes: that of its base.
        bom: the file that lists what is in it, CycloneDX.
    """

    tag: str
    bytes: int
    base_bytes: int
    bom: Path


def build(scorecard: str, base: str = BASE, target: Target = Target.RELEASE, *, twice: bool = False) -> Image:
    """Build an image of the scorecard's release.

    Args:
        scorecard: whose release it is.
        base: the image to build on, with Python 3.11 and pip.
        target: the release's image or its shipper's.
        twice: whether to build it once more from nothing and compare the layers.

    Raises:
        ModelStoreError: there is no release, or the store does not hold its models.
        StageError: there is no engine, the build failed, or the second build gave other layers.
    """
    made_from = source(scorecard)
    name = made_from.name if target is Target.RELEASE else f"{made_from.name}_{target}"
    return _build(name, made_from, base, target, twice=twice)


def build_watch(base: str = BASE, *, twice: bool = False) -> Image:
    """Build the image of the commands that watch decisions; it serves every scorecard, and has no model in it.

    Args:
        base: the image to build on, with Python 3.11 and pip.
        twice: whether to build it once more from nothing and compare the layers.

    Raises:
        StageError: there is no engine, the build failed, or the second build gave other layers.
    """
    return _build(WATCH_IMAGE, code(), base, Target.WATCH, twice=twice)


def labels(name: str, made_from: Code, base: str) -> dict[str, str]:
    """Return the labels of an image: OCI's own names, and the model that it serves, if it is a release's."""
    said = {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": made_from.version,
        "org.opencontainers.image.revision": made_from.revision,
        "org.opencontainers.image.base.name": base,
    }
    if not isinstance(made_from, Source):
        return said
    model = made_from.serving
    return said | {
        "scorebox.scorecard": made_from.release.scorecard,
        "scorebox.model": model.tag,
        "scorebox.graph-sha256": model.graph_sha256,
        "scorebox.data": model.data.kind,
    }


def _build(name: str, made_from: Code, base: str, target: Target, *, twice: bool) -> Image:
    tag = f"{name}:{made_from.version}"
    arguments = {"BASE": base, "REQUIREMENTS": REQUIREMENTS[target], "SOURCE_DATE_EPOCH": str(made_from.seconds)}
    said = labels(name, made_from, base)
    with context(made_from) as folder:
        engine.build(folder, target, tag, arguments, said)
    built = engine.inspect(tag)
    if twice:
        again = f"{tag}-again"
        with context(made_from) as folder:
            engine.build(folder, target, again, arguments, said, cached=False)
        layers = engine.inspect(again).layers
        engine.docker("image", "rm", again)
        if layers != built.layers:
            raise StageError(f"{tag} built from nothing has other layers: {layers} and not {built.layers}")
    listed = IMAGES / f"{name}-{made_from.version}.cdx.json"
    write_atomically(listed, bom.describe(tag, made_from))
    return Image(tag, built.bytes, engine.inspect(base).bytes, listed)
