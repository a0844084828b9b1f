"""A dialect that does not fit its scorecard is named when the scorecard loads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import Field

from scoring import scorecards
from scoring.request_dialect import RequestDialect

CARD = scorecards.load("german_credit")
(PUBLISHED,) = CARD.dialects


class Narrower(PUBLISHED.application):  # type: ignore[misc,name-defined]  # a model that is a value
    age_in_years: int = Field(alias="Years of age", ge=30, le=40)


class Wider(PUBLISHED.application):  # type: ignore[misc,name-defined]  # a model that is a value
    duration_in_month: int = Field(alias="Duration in month", ge=1, le=500)


class Longer(PUBLISHED.application):  # type: ignore[misc,name-defined]  # a model that is a value
    height: int = Field(alias="Height", ge=1, le=3)


@pytest.mark.parametrize(
    ("dialects", "fault"),
    [
        ([replace(PUBLISHED, prefix="api")], "the dialect api has a path that is none"),
        ([replace(PUBLISHED, paths={"predict": "/predict/../x"})], "has a path that is none"),
        ([replace(PUBLISHED, paths={"health": "/health"})], "or no path to predict"),
        ([replace(PUBLISHED, paths={"predict": "/a", "health": "/a"})], "that is there twice"),
        ([PUBLISHED, PUBLISHED], "the dialect /api is there twice"),
        ([replace(PUBLISHED, defaults={})], "the dialect /api lacks Present residence since"),
        ([replace(PUBLISHED, defaults={"Present residence since": 9})], "or does not permit it"),
        ([replace(PUBLISHED, defaults={"Present residence since": 4, "Job": "A171"})], "has a default of Job"),
        ([replace(PUBLISHED, application=Wider)], "takes Duration in month, which the scorecard does not"),
        ([replace(PUBLISHED, application=Longer)], "takes Height, which the scorecard does not"),
        ([replace(PUBLISHED, example={"Job": "A171"})], "Field required"),
    ],
)
def test_a_dialect_that_does_not_fit_is_named(dialects: list[RequestDialect], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        replace(CARD, dialects=tuple(dialects))


def test_a_field_may_go_by_another_name_within_narrower_bounds() -> None:
    example = {name: value for name, value in PUBLISHED.example.items() if name != "Age in years"}
    dialect = replace(PUBLISHED, application=Narrower, example=example | {"Years of age": 35})
    sent = dialect.application.model_validate(dict(dialect.example))
    own = replace(CARD, dialects=(dialect,)).application.model_validate(dialect.values(sent))
    assert own.model_dump(by_alias=True)["Age in years"] == 35
