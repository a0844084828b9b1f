"""The origins of web pages that may ask the service, as an operator lists them."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535


def _split(value: Any) -> Any:
    """Return the items of a list separated by commas, or written as JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise PydanticCustomError("origins", "begins with [ but is no JSON list") from None
    return [item.strip() for item in value.split(",") if item.strip()]


def _as_sent(given: str) -> str:
    """Return an origin as browsers write it: in lower case, without the scheme's own port."""
    match = _ORIGIN.fullmatch(given.lower())
    port = int(match[3]) if match and match[3] else None
    if match is None or (port is not None and not 0 < port <= _HIGHEST_PORT):
        wildcard = "; there is no wildcard, list every origin" if "*" in given else ""
        raise PydanticCustomError(
            "origin",
            "'{given}' is no origin: scheme, host and port only, such as https://desk.example or "
            "http://127.0.0.1:8080{wildcard}",
            {"given": given, "wildcard": wildcard},
        )
    origin = f"{match[1]}://{match[2]}"
    return origin if port in (None, _DEFAULT_PORTS[match[1]]) else f"{origin}:{port}"


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_as_sent)], ...],
    NoDecode,
    BeforeValidator(_split),
]
"""Read from text: separated by commas, or a JSON list."""
