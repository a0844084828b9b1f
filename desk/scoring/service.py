"""Ask a service for a decision, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel, Field, ValidationError

TIMEOUT_SECONDS = 10.0
"""How long one attempt may take; the service itself gives up before."""
_LONGEST_RETRY_AFTER = 60.0


class Answer(BaseModel):
    """The part of a decision of the service that the desk keeps."""

    decision_id: UUID
    pd: float = Field(ge=0, le=1)
    decision: str = Field(max_length=32)
    model: str = Field(max_length=255)
    policy: str = Field(max_length=255)
    cutoff: float
    points: int = Field(ge=-(2**31), lt=2**31)
    band: str = Field(max_length=32)
    reasons: list[dict[str, Any]]


class RefusedError(Exception):
    """The application breaks the scorecard's contract.

    Attributes:
        errors: field, rule and message of each broken rule.
    """

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} rules are broken")
        self.errors = errors


class ServiceAwayError(Exception):
    """The service does not answer at the moment; the same request may be sent again.

    Attributes:
        retry_after: seconds that the service asks for, 0 if it says nothing.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Service:
    """A service of one scorecard.

    Args:
        address: such as `http://127.0.0.1:3000`.
        scorecard: that it is expected to serve.
    """

    def __init__(self, address: str, scorecard: str) -> None:
        self._scorecard = scorecard
        self._client = httpx.AsyncClient(base_url=address, timeout=TIMEOUT_SECONDS, trust_env=False)

    async def decide(self, request_id: UUID, fields: dict[str, Any]) -> Answer:
        """Return the decision about an application; the same one however often this request is sent.

        Raises:
            RefusedError: the service says which rules the application breaks.
            ServiceAwayError: it does not answer, or not as a service of this scorecard does.
        """
        try:
            response = await self._client.post("/predict", json=fields, headers={"Idempotency-Key": str(request_id)})
        except httpx.HTTPError as error:
            raise ServiceAwayError(f"the service of {self._scorecard}: {type(error).__name__}") from None
        if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise RefusedError(_errors(response))
        if response.status_code != httpx.codes.OK:
            raise ServiceAwayError(
                f"the service of {self._scorecard} answers {response.status_code}", _retry_after(response)
            )
        try:
            content = response.json()
            if content.get("scorecard") != self._scorecard:
                raise ServiceAwayError(f"what serves {self._scorecard} decides by another scorecard")
            return Answer.model_validate(content)
        except (ValueError, AttributeError, ValidationError):
            raise ServiceAwayError(f"the service of {self._scorecard} answers in another form") from None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _errors(response: httpx.Response) -> list[dict[str, Any]]:
    try:
        return [
            {name: str(error[name]) for name in ("field", "rule", "message")} for error in response.json()["errors"]
        ]
    except (ValueError, TypeError, KeyError):
        raise ServiceAwayError("the service refuses the application and does not say why") from None


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(float(response.headers.get("Retry-After", 0)), _LONGEST_RETRY_AFTER)
    except ValueError:
        return 0.0
