"""The service's own pages: what they may load, and what may be read from them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from markupsafe import escape

from serving.pages.assets import ASSETS
from serving.routes import ASSETS as ASSETS_OF_PAGES
from serving.routes import PAGES, ROUTES, routes_of
from tests.serving.conftest import Service, startup_config
from tests.serving.toy import SCORECARD

pytestmark = pytest.mark.anyio

SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def policy(text: str) -> dict[str, list[str]]:
    rules = (rule.split() for rule in text.split(";"))
    return {name: values for name, *values in rules}


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
async def test_a_page_may_load_from_this_service_only_and_run_no_script_of_its_text(
    service: Service, path: str
) -> None:
    response = await service.client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert SAFE.items() <= response.headers.items()
    allowed = policy(response.headers["content-security-policy"])
    assert {value for values in allowed.values() for value in values} <= {"'none'", "'self'", "data:"}
    assert [name for name, values in allowed.items() if "data:" in values] == (["img-src"] if path == "/docs" else [])
    for name in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert allowed[name] == ["'none'"]
    loaded = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert loaded
    # Relative, so that they hold behind a proxy's prefix too.
    assert not any("//" in address or address.startswith("/") for address in loaded)
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", response.text)


async def test_the_reference_runs_no_script_and_names_every_documented_route_and_model(service: Service) -> None:
    response = await service.client.get("/redoc")
    assert "script-src" not in policy(response.headers["content-security-policy"])
    assert "<script" not in response.text
    for route in ROUTES:
        assert (f"<code>{route.path}</code></h3>" in response.text) == route.documented, route.path
    for model in (await service.client.get("/docs.json")).json()["components"]["schemas"]:
        assert f'id="model-{model}"' in response.text
    targets = re.findall(r'href="#([^"]*)"', response.text)
    assert targets
    assert all(f'id="{target}"' in response.text for target in targets)


async def test_the_first_page_has_the_form_and_names_what_serves(service: Service) -> None:
    page = (await service.client.get("/")).text
    assert f"<title>{SCORECARD.title} – Scorebox</title>" in page
    for said in ("card_default:1.0.0-fp32", "SAMPLE DATA", 'href="docs"', 'href="redoc"'):
        assert said in page
    assert sorted(re.findall(r'data-name="([^"]*)"', page)) == sorted(SCORECARD.columns)


async def test_the_first_page_follows_a_reload(make_service: Callable[..., Service]) -> None:
    before = startup_config(reload_token="a-token-of-sixteen-characters")
    after = replace(before, policy=before.policy.model_copy(update={"cutoff": 0.4}))
    service = make_service(before, lambda: after)
    assert 'data-cutoff="0.25"' in (await service.client.get("/")).text
    headers = {"Authorization": "Bearer a-token-of-sixteen-characters"}
    assert (await service.client.post("/reload", headers=headers)).status_code == 200
    assert 'data-cutoff="0.4"' in (await service.client.get("/")).text


async def test_without_pages_nothing_else_changes(make_service: Callable[..., Service]) -> None:
    service = make_service(routes=routes_of(pages=False))
    for route in (*PAGES, *ASSETS_OF_PAGES):
        assert (await service.client.get(route.path)).status_code == 404, route.path
    for path in ("/docs.json", "/model_info", "/health"):
        assert (await service.client.get(path)).status_code == 200, path
    assert (await service.client.post("/predict", json=dict(SCORECARD.example))).status_code == 200


async def test_a_title_cannot_bring_markup_into_a_page(make_service: Callable[..., Service]) -> None:
    title = '<script src="//elsewhere.example"></script>'
    service = make_service(replace(startup_config(), scorecard=replace(SCORECARD, title=title)))
    for path in ("/", "/docs", "/redoc"):
        page = (await service.client.get(path)).text
        assert title not in page
        assert str(escape(title)) in page


@pytest.mark.parametrize("path", ASSETS)
async def test_the_files_of_the_pages_are_served_with_their_types(service: Service, path: str) -> None:
    response = await service.client.get(path)
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    assert (response.status_code, response.headers["content-type"]) == (200, types[path.rpartition(".")[2]])
    assert SAFE.items() <= response.headers.items()


async def test_nothing_of_bentoml_s_own_page_is_left(service: Service) -> None:
    for path in ("/static_content/index.css", "/static_content/swagger-ui-bundle.js", "/docs/index.html", "/docs/"):
        assert (await service.client.get(path)).status_code == 404, path
    assert service.passed_on == []
