"""List the contents of an image as a CycloneDX document: Python packages, Debian packages and the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from pipelines.images import engine
from pipelines.images.context import Code, Source
from scoring.models import ModelRecord

INVENTORY = Path(__file__).parent / "inventory.py"


def describe(image: str, made_from: Code) -> str:
    """Return the document of an image that has been built, from what is found inside it; the same each time.

    Raises:
        StageError: the image cannot be run.
    """
    inside = json.loads(
        engine.docker(
            *("run", "--rm", "--interactive", "--network", "none", "--read-only", "--cap-drop", "ALL"),
            *("--entrypoint", "/app/venv/bin/python", image, "-"),
            given=INVENTORY.read_text(),
        )
    )
    name, _, version = image.partition(":")
    subject = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=image)
    models = made_from.models if isinstance(made_from, Source) else []
    bom = Bom(
        components=[*_python(inside), *_debian(inside), *_models(models)],
        # Random and now by default.
        serial_number=uuid5(NAMESPACE_URL, engine.inspect(image).identity),
    )
    bom.metadata.component = subject
    bom.metadata.timestamp = datetime.fromtimestamp(made_from.seconds, UTC)
    bom.register_dependency(subject, bom.components)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def _python(inside: dict[str, Any]) -> Iterator[Component]:
    licences = LicenseFactory()
    for package in inside["python"]:
        name = re.sub(r"[-_.]+", "-", package["name"]).lower()
        address = PackageURL("pypi", None, name, package["version"])
        yield Component(
            name=name,
            version=package["version"],
            type=ComponentType.LIBRARY,
            purl=address,
            bom_ref=str(address),
            licenses=[licences.make_with_expression(package["licence"])] if package["licence"] else [],
        )


def _debian(inside: dict[str, Any]) -> Iterator[Component]:
    for package in inside["debian"]:
        qualifiers = {"arch": package["architecture"], "distro": inside["system"]}
        address = PackageURL("deb", "debian", package["name"], package["version"], qualifiers)
        yield Component(
            name=package["name"],
            version=package["version"],
            type=ComponentType.LIBRARY,
            purl=address,
            bom_ref=str(address),
        )


def _models(models: list[ModelRecord]) -> Iterator[Component]:
    for model in models:
        yield Component(
            name=model.scorecard,
            version=f"{model.version}-{model.variant}",
            type=ComponentType.MACHINE_LEARNING_MODEL,
            bom_ref=model.tag,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=model.graph_sha256)],
            properties=[
                Property(name="scorebox:family", value=model.family),
                Property(name="scorebox:explain-sha256", value=model.explain_sha256),
                Property(name="scorebox:data-sha256", value=model.data.sha256),
                Property(name="scorebox:git-revision", value=model.git_revision),
            ],
        )
