"""Ask a service which scorecard it serves, and by which model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import urlopen

from scoring import scorecards
from scoring.scorecard import Scorecard
from scoring.scorecards import UnknownScorecardError

SECONDS_TO_WAIT = 60.0
ROUTE = "/model_info"


@dataclass(frozen=True)
class Faced:
    """The scorecard and the exact model that a service serves."""

    scorecard: Scorecard
    model: str


class FacedError(RuntimeError):
    """A service does not say which scorecard it serves, or serves one that is not known here."""


def ask(host: str | None) -> Faced:
    """Return what the service at a base address serves.

    Raises:
        FacedError: there is no such address, no such service, or no such scorecard here.
    """
    if not host:
        raise FacedError("name the service: --host http://127.0.0.1:3000")
    try:
        with urlopen(host.rstrip("/") + ROUTE, timeout=SECONDS_TO_WAIT) as answer:  # noqa: S310  # the user's own
            said = json.loads(answer.read())
    except HTTPError as error:
        error.close()
        raise FacedError(f"{host} answers {ROUTE} with {error.code}") from None
    except (OSError, HTTPException) as error:
        raise FacedError(f"{host} does not answer {ROUTE}: {getattr(error, 'reason', None) or error}") from None
    except ValueError:
        raise FacedError(f"{host} is no address of a service, or answers {ROUTE} with no JSON") from None
    if not isinstance(said, dict) or not isinstance(said.get("scorecard"), str):
        raise FacedError(f"{host} answers {ROUTE} without a scorecard: is it Scorebox?")
    try:
        return Faced(scorecards.load(said["scorecard"]), str(said.get("model")))
    except UnknownScorecardError as error:
        raise FacedError(f"{host} serves a scorecard that is not known here: {error}") from None
