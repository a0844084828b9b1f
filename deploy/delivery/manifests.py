"""Write the manifests that a release applies: `python -m deploy.delivery.manifests prod images.txt out`.

The images file has one image in a line, `registry/name@sha256:...`. Each takes the place of the overlay's image of the
same last name, in which zeros stand for the digest.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

OVERLAYS = Path(__file__).parent.parent / "kubernetes" / "overlays"
BY_DIGEST = re.compile(r"(?P<name>\S+)@sha256:[0-9a-f]{64}")
PLACEHOLDER = re.compile(r"(?P<name>\S+)@sha256:0{64}")

Manifest = dict[str, Any]


class ImagesError(Exception):
    """The images are not what the overlay needs; the message names them."""


def read_images(text: str) -> dict[str, str]:
    """Return the images that a file names, by the last part of their name.

    Raises:
        ImagesError: a line is not an image by digest, or two have one name.
    """
    images: dict[str, str] = {}
    for line in text.split():
        found = BY_DIGEST.fullmatch(line)
        if found is None or PLACEHOLDER.fullmatch(line):
            raise ImagesError(f"{line} is not an image by digest: registry/name@sha256:...")
        name = found["name"].rpartition("/")[2]
        if name in images:
            raise ImagesError(f"{name} stands in two lines")
        images[name] = line
    return images


def with_images(manifests: list[Manifest], images: dict[str, str]) -> list[Manifest]:
    """Put the images into the manifests, in place of the overlay's, and return the manifests.

    Raises:
        ImagesError: an image is missing.
    """
    missing = set()
    for container in (container for manifest in manifests for container in _containers(manifest)):
        placeholder = PLACEHOLDER.fullmatch(container["image"])
        name = placeholder["name"].rpartition("/")[2] if placeholder else None
        if name in images:
            container["image"] = images[name]
        else:
            missing.add(name or container["image"])
    if missing:
        raise ImagesError(f"no digest for {', '.join(sorted(missing))}")
    return manifests


def rollout_groups(manifests: list[Manifest]) -> dict[str, list[Manifest]]:
    """Return the manifests by when they are applied.

    `ingress` directs the requests, `canary` is added to production by a canary, `stable` holds all others.
    """
    found: dict[str, list[Manifest]] = {"stable": [], "canary": [], "ingress": []}
    for manifest in manifests:
        if manifest["kind"] == "Ingress":
            found["ingress"].append(manifest)
        elif manifest["metadata"].get("labels", {}).get("track") == "canary":
            found["canary"].append(manifest)
        else:
            found["stable"].append(manifest)
    return {name: manifests for name, manifests in found.items() if manifests}


def _containers(value: Any) -> Iterator[Manifest]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"containers", "initContainers"}:
                yield from inner
            else:
                yield from _containers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _containers(inner)


def render(overlay: str) -> list[Manifest]:
    """Render the overlay's manifests with kubectl."""
    command = ["kubectl", "kustomize", str(OVERLAYS / overlay)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def main() -> None:
    """Write `OUT/stable.yaml`, `OUT/ingress.yaml` and, for a canary, `OUT/canary.yaml`."""
    parser = argparse.ArgumentParser(description="Write the manifests that a release applies.")
    parser.add_argument("overlay", choices=sorted(path.name for path in OVERLAYS.iterdir()))
    parser.add_argument("images", type=Path, help="file of images by digest, one in a line")
    parser.add_argument("out", type=Path, help="folder for the manifests")
    given = parser.parse_args()
    try:
        manifests = with_images(render(given.overlay), read_images(given.images.read_text()))
    except ImagesError as error:
        sys.exit(f"{given.images}: {error}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name, some in rollout_groups(manifests).items():
        (given.out / f"{name}.yaml").write_text(yaml.safe_dump_all(some, sort_keys=False))


if __name__ == "__main__":
    main()
