"""The files of the pages: the service's own, and Swagger UI as BentoML ships it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from serving.exchange import Answer
from serving.pages.policy import SAFE

TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}

_OWN = files("serving.pages") / "files"
_SWAGGER_UI = files("bentoml") / "_internal" / "server" / "static_content"
# A new version of the service is seen within this time.
_KEPT = (b"cache-control", b"max-age=600")
_TEMPLATES = Environment(
    loader=PackageLoader("serving.pages", "files"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

ASSETS: Mapping[str, Answer] = {
    f"{folder}/{name}": Answer((source / name).read_bytes(), TYPES[PurePosixPath(name).suffix], (_KEPT, *SAFE))
    for folder, source, names in (
        ("/page", _OWN, sorted(file.name for file in _OWN.iterdir() if PurePosixPath(file.name).suffix in TYPES)),
        ("/docs", _SWAGGER_UI, ["swagger-ui.css", "swagger-ui-bundle.js"]),
    )
    for name in names
}
"""The answer with each file, by path."""


def template(name: str) -> Template:
    """Return the template of a page; what is filled in can bring no markup."""
    return _TEMPLATES.get_template(name)
