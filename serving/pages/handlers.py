"""The handlers of the pages and their files."""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from string import Template

import orjson

from serving.core import Core
from serving.exchange import Answer, Exchange
from serving.pages.assets import ASSETS, template
from serving.pages.policy import SAFE, page_headers
from serving.payloads import ModelInfo

HTML = b"text/html; charset=utf-8"

_HOME = Template(template("home.html"))
_DOCS = Template(template("docs.html"))
_STILL = page_headers(scripts=False)
_LIVELY = page_headers(scripts=True)


async def home(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the page that says what serves, and lists the routes."""
    document = orjson.loads(core.openapi())
    operations = [
        (f"{method.upper()} {path}", operation["summary"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    page = _HOME.substitute(
        title=escape(document["info"]["title"]),
        description=escape(document["info"]["description"]),
        facts=_facts(core.model_info),
        routes="\n".join(_row(f"<code>{escape(route)}</code>", escape(summary)) for route, summary in operations),
    )
    return Answer(page.encode(), HTML, _STILL)


async def docs(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the page that shows the OpenAPI document and sends requests."""
    return Answer(_DOCS.substitute(title=escape(core.scorecard.title)).encode(), HTML, _LIVELY)


async def redoc(_: Core, __: Exchange, ___: bytes) -> Answer:
    """Lead to `/docs`, by an address that holds behind a proxy's prefix too."""
    return Answer(b"", HTML, ((b"location", b"docs"), *SAFE), HTTPStatus.TEMPORARY_REDIRECT)


async def asset(_: Core, exchange: Exchange, __: bytes) -> Answer:
    """Return a file of the pages."""
    return ASSETS[exchange.route]


def _facts(info: ModelInfo) -> str:
    data = escape(info.data_label)
    facts = {
        "Scorecard": escape(info.scorecard),
        "Model": f'<a href="model_info">{escape(info.model)}</a>',
        "Policy": escape(f"{info.policy}: a decline from a PD of {info.cutoff:g} on"),
        "Data of the training": data if info.data.published else f'<span class="sample">{data}</span>',
        "Journal": escape(info.journal),
    }
    return "\n".join(_row(name, value) for name, value in facts.items())


def _row(heading: str, content: str) -> str:
    return f"<tr><th>{heading}</th><td>{content}</td></tr>"
