"""Settings of the desk's operator: environment variables with the prefix `SCOREBOX_DESK_`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from scoring import scorecards
from scoring.expected import ExpectedError

PREFIX = "SCOREBOX_DESK_"
SHORTEST_SECRET = 32


def _read_services(text: object) -> object:
    """Return the addresses by scorecard.

    Raises:
        ValueError: a part is no name of a scorecard and address of HTTP.
    """
    if not isinstance(text, str):
        return text
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, address = part.partition("=")
        if name not in scorecards.names():
            raise ValueError(f"there is no scorecard of that name; there are {', '.join(scorecards.names())}")
        if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).netloc:
            raise ValueError(f"an address is needed for {name}, such as {name}=http://127.0.0.1:3000")
        found[name] = address.rstrip("/")
    if not found:
        raise ValueError("at least one is needed, such as card_approval=http://127.0.0.1:3000")
    return found


class DeskSettings(BaseSettings):
    """The settings of one process of the desk."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    database: Annotated[
        SecretStr, Field(description="sqlite:///desk.sqlite, or postgresql://user:password@host/name")
    ] = SecretStr("sqlite:///desk.sqlite")
    secret: Annotated[
        SecretStr | None,
        Field(min_length=SHORTEST_SECRET, description="signs sessions; made and kept next to a SQLite file if not set"),
    ] = None
    services: Annotated[
        dict[str, str],
        NoDecode,
        BeforeValidator(_read_services),
        Field(description="the services that score, SCORECARD=ADDRESS separated by commas"),
    ] = {"card_approval": "http://127.0.0.1:3000"}
    proxies: Annotated[
        str, Field(description="addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed")
    ] = "127.0.0.1"


def read_settings() -> DeskSettings:
    """Return the settings of the environment.

    Raises:
        ExpectedError: a variable breaks a rule; the message names both.
    """
    try:
        return DeskSettings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise ExpectedError(f"{name}: {first['msg']}") from None
