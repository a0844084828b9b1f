"""Settings that the runner passes to Locust's process, by environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from loadtests.curves import Shape


class LoadSettings(BaseSettings):
    """The load of one run; prefix SCOREBOX_LOAD_."""

    model_config = SettingsConfigDict(env_prefix="SCOREBOX_LOAD_")

    applications: Annotated[Path | None, Field(description="file of applications; else the test split")] = None
    shape: Shape = Shape.RAMP
    seconds: Annotated[float, Field(gt=0)] = 35.0
    users: Annotated[int, Field(gt=0, description="users at the peak")] = 10
    requests_per_user: Annotated[float, Field(gt=0, description="requests a second that each user makes")] = 10.0
    rows: Annotated[int, Field(ge=1, le=1_000, description="applications in a batch")] = 64
