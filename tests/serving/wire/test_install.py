"""The seam to uvicorn."""

from __future__ import annotations

import pytest
import uvicorn
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serving.wire import install
from serving.wire.install import NEEDED, UvicornError
from serving.wire.limits import WireLimits
from serving.wire.protocol import WireProtocol
from serving.wire.records import WireRecords
from tests.serving.conftest import Service

LIMITS = WireLimits(client=1, keep_alive=2)


def records() -> WireRecords:
    service = Service()
    return WireRecords(service.core.metrics, None)


@pytest.mark.parametrize("http", ["auto", "httptools"])
def test_every_server_that_leaves_the_choice_to_uvicorn_speaks_the_protocol(
    monkeypatch: pytest.MonkeyPatch, http: str
) -> None:
    for choice, protocol in HTTP_PROTOCOLS.items():
        monkeypatch.setitem(HTTP_PROTOCOLS, choice, protocol)
    install.install(LIMITS, records())
    config = uvicorn.Config(Service().face, http=http, log_config=None)
    config.load()
    assert issubclass(config.http_protocol_class, WireProtocol)
    assert config.http_protocol_class.limits == LIMITS


def test_a_uvicorn_without_what_the_protocol_rests_on_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "NEEDED", {**NEEDED, RequestResponseCycle: ("keep_alive", "gone")})
    monkeypatch.setattr(install, "CHOICES", ("auto", "nothing"))
    with pytest.raises(UvicornError) as raised:
        install.install(LIMITS, records())
    lacks = "the protocol nothing, RequestResponseCycle.gone"
    assert str(raised.value) == f"uvicorn {uvicorn.__version__} lacks {lacks}; install the pinned version"
