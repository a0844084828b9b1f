"""Settings of an operator: environment variables with the prefix `SCOREBOX_`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from scoring.decision import Variant
from scoring.journal.limits import Sync
from serving.origins import Origins

PREFIX = "SCOREBOX_"


class SettingsError(ValueError):
    """A variable breaks a rule; the message names both."""


class Settings(BaseSettings):
    """The settings of one server process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    scorecard: Annotated[str, Field(description="which scorecard is served")] = "card_default"
    release: Annotated[
        Path | None, Field(description="the release file; releases/<scorecard>.json next to service.py by default")
    ] = None
    history: Annotated[
        str | None,
        Field(
            description="the history of a scorecard that has one: a file, releases/<scorecard>.history.sqlite "
            "next to service.py by default, or a redis:// address"
        ),
    ] = None
    policy: Annotated[
        Path | None,
        Field(
            description="the cut-off policy; releases/<scorecard>.policy.json next to the release by default, and "
            "where there is none the scorecard's own cut-off"
        ),
    ] = None
    challenge: Annotated[
        Path | None,
        Field(description="the challenger's file; releases/<scorecard>.challenger.json next to the release by default"),
    ] = None
    reload_token: Annotated[
        SecretStr | None,
        Field(min_length=16, description="what POST /reload asks for; without it only SIGHUP reloads"),
    ] = None
    journal: Annotated[
        str | None,
        Field(
            description="the journal's folder, by default journal/<scorecard> in the working directory, or in the "
            "user's data folder where that cannot be written; off keeps none"
        ),
    ] = None
    journal_sync: Annotated[
        Sync,
        Field(description="full: an answered decision survives a power failure; normal: the end of every process"),
    ] = "full"
    journal_segment_bytes: Annotated[
        int, Field(ge=1 << 16, le=1 << 40, description="size at which the journal begins a new file")
    ] = 256 << 20
    journal_retention_months: Annotated[
        int, Field(ge=1, le=1200, description="files of the journal whose last decision is older are removed")
    ] = 25
    journal_shipped: Annotated[
        bool,
        Field(description="a shipper is to copy the journal: a late copy raises an alert even if none was started"),
    ] = False
    variant: Annotated[Variant | None, Field(description="fp32 or int8; the release's choice by default")] = None
    max_batch_size: Annotated[int, Field(ge=1, le=65_536, description="rows in one session call")] = 1024
    max_wait: Annotated[
        float, Field(gt=0, le=60, description="seconds after which a waiting request is refused with 503")
    ] = 1.0
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30, description="largest JSON body")] = 1 << 20
    max_arrow_bytes: Annotated[int, Field(ge=1024, le=1 << 30, description="largest Arrow body")] = 32 << 20
    max_batch_rows: Annotated[int, Field(ge=1, le=100_000, description="applications in one JSON batch")] = 1000
    max_arrow_rows: Annotated[int, Field(ge=1, le=10_000_000, description="rows in one Arrow body")] = 20_000
    request_timeout: Annotated[
        float, Field(ge=0.1, le=60, description="seconds for one request, its body included")
    ] = 4.0
    client_timeout: Annotated[
        float,
        Field(
            ge=0.1,
            le=60,
            description="seconds that a client has to send a request's head, and to take some of its answer",
        ),
    ] = 10.0
    keep_alive: Annotated[
        float, Field(gt=0, le=3600, description="seconds that an idle connection stays open; more than a proxy's own")
    ] = 75.0
    drain: Annotated[
        float, Field(ge=0, le=300, description="seconds between SIGTERM and the end of listening; /readyz says 503")
    ] = 2.0
    pages: Annotated[bool, Field(description="whether there are pages for people at /, /docs and /redoc")] = True
    cors_origins: Annotated[
        Origins, Field(description="origins whose pages' scripts may ask, separated by commas; none by default")
    ] = ()
    access_log: Annotated[bool, Field(description="one JSON line per request on standard output")] = True


def read_settings(scorecard: str | None = None) -> Settings:
    """Read the settings from the environment; `scorecard` is the one that a Bento was built for.

    Raises:
        SettingsError: a variable breaks a rule.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        rules = [f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("; ".join(rules)) from None
    if scorecard is not None and "scorecard" not in settings.model_fields_set:
        settings = settings.model_copy(update={"scorecard": scorecard})
    return settings
