"""The dialect of callers that know the network behind `/v1`: two systems name the same two values differently."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from scoring.application import Application
from scoring.request_dialect import Answered, RequestDialect

Share = Annotated[float, Field(ge=0, le=1)]
Prediction = Literal[0, 1]


class DefaultAnswer(BaseModel):
    """The answer about one client."""

    probability: Share = Field(description="probability of default")
    prediction: Prediction = Field(description="1 a default, by the policy in force")
    default_probability: Share = Field(description="the same as `probability`")
    default_prediction: Prediction = Field(description="the same as `prediction`")


def _members(answered: Answered) -> dict[str, Any]:
    prediction = int(answered.declined)
    return {
        "probability": answered.pd,
        "prediction": prediction,
        "default_probability": answered.pd,
        "default_prediction": prediction,
    }


def published(application: type[Application], example: dict[str, float | int | str]) -> RequestDialect:
    """Return the dialect: it takes the published fields as the scorecard does, and answers in words of its own."""
    return RequestDialect(
        title="Default of credit card clients, by the words of two published systems",
        prefix="/v1",
        paths={"predict": "/predict"},
        application=application,
        answer=DefaultAnswer,
        members=_members,
        example=example,
    )
