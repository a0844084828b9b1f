"""Settings of the desk's operator: environment variables with the prefix `SCOREBOX_DESK_`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from scoring.expected import ExpectedError

PREFIX = "SCOREBOX_DESK_"
SHORTEST_SECRET = 32


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
