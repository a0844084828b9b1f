"""The handlers of the pages and their files."""

from __future__ import annotations

from functools import lru_cache

import orjson

from scoring.form import form_groups
from serving.core import Core
from serving.exchange import Answer, Exchange
from serving.pages.assets import ASSETS, template
from serving.pages.policy import page_headers
from serving.pages.reference import reference
from serving.payloads import ModelInfo

HTML = b"text/html; charset=utf-8"

_FORM = template("decide.html")
_DOCS = template("docs.html")
_REFERENCE = template("redoc.html")
_STILL = page_headers(scripts=False)
_LIVELY = page_headers(scripts=True)
_SWAGGER = page_headers(scripts=True, images_in_text=True)


async def home(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the page with the form of an application, on which the decision is shown."""
    return Answer(_form(core, core.model_info.model_dump_json()), HTML, _LIVELY)


async def docs(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the page that shows the OpenAPI document and sends requests."""
    return Answer(_DOCS.render(title=core.scorecard.title).encode(), HTML, _SWAGGER)


async def redoc(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the page on which the OpenAPI document is read, without a script."""
    return Answer(_reference(core.openapi()), HTML, _STILL)


async def asset(_: Core, exchange: Exchange, __: bytes) -> Answer:
    """Return a file of the pages."""
    return ASSETS[exchange.route]


# Writing a page takes as long as dozens of decisions, which wait meanwhile: each is written once, until it changes.
@lru_cache(maxsize=1)
def _form(core: Core, _: str) -> bytes:
    """Return the page of the form; the model's facts, as text, say whether it is another one by now."""
    info = core.model_info
    page = _FORM.render(
        scorecard=core.scorecard,
        info=info,
        groups=form_groups(core.scorecard, core.application, info.columns),
        bands=orjson.dumps([band.model_dump() for band in info.bands]).decode(),
        facts=_facts(info),
    )
    return page.encode()


@lru_cache(maxsize=1)
def _reference(document: bytes) -> bytes:
    """Return the page of the reference."""
    return _REFERENCE.render(reference(orjson.loads(document))).encode()


def _facts(info: ModelInfo) -> list[tuple[str, str, str]]:
    """Return name, value and class of the facts that everybody should see."""
    return [
        ("Scorecard", info.scorecard, ""),
        ("Model", info.model, ""),
        ("Policy", f"{info.policy}: a decline from a PD of {info.cutoff:g} on", ""),
        ("Data of the training", info.data_label, "" if info.data.published else "sample"),
        ("Journal", info.journal, ""),
    ]
