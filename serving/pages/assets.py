"""The files of the pages: the service's own, and Swagger UI as BentoML ships it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from serving.exchange import Answer
from serving.pages.policy import SAFE

JAVASCRIPT = b"text/javascript; charset=utf-8"
CSS = b"text/css; charset=utf-8"

_OWN = files("serving.pages") / "files"
_SWAGGER_UI = files("bentoml") / "_internal" / "server" / "static_content"
# A new version of the service is seen within this time.
_KEPT = (b"cache-control", b"max-age=600")

ASSETS: Mapping[str, Answer] = {
    f"/docs/{name}": Answer((folder / name).read_bytes(), media_type, (_KEPT, *SAFE))
    for folder, name, media_type in (
        (_OWN, "style.css", CSS),
        (_OWN, "docs.js", JAVASCRIPT),
        (_OWN, "icon.svg", b"image/svg+xml"),
        (_SWAGGER_UI, "swagger-ui.css", CSS),
        (_SWAGGER_UI, "swagger-ui-bundle.js", JAVASCRIPT),
    )
}
"""The answer with each file, by path."""


def template(name: str) -> str:
    """Return the text of a page, with `$names` to be filled in."""
    return (_OWN / name).read_text(encoding="utf-8")
