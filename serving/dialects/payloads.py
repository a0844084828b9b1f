"""The answers of a dialect that are of no scorecard's own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from scoring.request_dialect import RequestDialect


class DialectHealth(BaseModel):
    """The service takes requests."""

    status: Literal["healthy"]
    model_path: str = Field(description="exact tag in the model store")
    model_loaded: Literal[True]
    timestamp: str = Field(description="UTC, ISO 8601")


class DialectModelInfo(BaseModel):
    """The model that serves."""

    name: str
    version: str = Field(description="the registry's number of the model")
    stage: Literal["Production"] = Field(description="the champion is in production")
    description: str


class DialectReloaded(BaseModel):
    """The model that serves after a reload."""

    message: Literal["model reloaded", "nothing has changed"]
    model_version: str
    timestamp: str


class DialectBatchAnswer(BaseModel):
    """The answers about many applications, in the order in which they were sent."""

    predictions: list[Any]
    total_processed: int
    model_version: str
    timestamp: str


def batch_answer_model(dialect: RequestDialect) -> type[DialectBatchAnswer]:
    """Return the model of the dialect's answer to a batch."""
    name = f"Batch{dialect.answer.__name__}"
    return create_model(name, __base__=DialectBatchAnswer, predictions=(list[dialect.answer], ...))  # type: ignore[name-defined]  # made at run time
