from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field, ValidationError

from scoring import scorecards
from scoring.application import Application, FieldRule, Sentinel, field_rules
from scoring.errors import field_errors
from scoring.scorecard import ReasonGroup, RiskBand, Scorecard
from scoring.scorecards import UnknownScorecardError, load
from scoring.statements import Statement, above, differs, equal, lower, missing

CARD = load("card_default")
BUREAU_MONTHS = Annotated[int, Field(ge=0, le=120), Sentinel(-9, -8)]


def application(**changes: Any) -> dict[str, Any]:
    return {**CARD.example, **changes}


def errors(model: type[Application], body: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    return [(error.field, error.rule) for error in field_errors(caught.value)]


def test_an_unknown_scorecard_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownScorecardError, match=r"no scorecard 'cards'; there are: .*card_default"):
        load("cards")


@pytest.mark.parametrize("name", scorecards.names())
def test_every_scorecard_holds_together(name: str) -> None:
    card = load(name)
    assert card.name == name
    card.application.model_validate(dict(card.example))
    sample = card.sample(np.random.default_rng(0), 500)
    assert set(sample) == {card.key, card.target, *card.columns}
    assert {len(values) for values in sample.values()} == {500}


def test_rules_are_read_from_the_application_model() -> None:
    rules = {rule.column: rule for rule in CARD.rules}
    assert rules["PAY_0"] == FieldRule("pay_0", "PAY_0", "integer", required=True, minimum=-2, maximum=9)
    assert rules["SEX"] == FieldRule("sex", "SEX", "integer", required=False, minimum=1, maximum=2)
    assert rules["BILL_AMT1"] == FieldRule("bill_amt1", "BILL_AMT1", "number", required=True, minimum=-1e7, maximum=1e7)
    assert CARD.columns[:3] == ("LIMIT_BAL", "SEX", "EDUCATION")
    assert len(CARD.columns) == 23


@pytest.mark.parametrize(
    ("annotation", "field", "complaint"),
    [
        (str, Field(), "a column holds int, float or a Literal of texts"),
        (Literal["a", 1], Field(), "choices are texts"),
        (Literal["a", ""], Field(), "none of them empty"),
        (int, Field(gt=0, le=3), "use ge and le"),
        (int, Field(ge=0), "both ge and le"),
    ],
)
def test_a_field_that_no_column_can_express_is_refused(annotation: Any, field: Any, complaint: str) -> None:
    model = type("Odd", (Application,), {"__annotations__": {"odd": Annotated[annotation, field]}})
    with pytest.raises(TypeError, match=complaint):
        field_rules(model)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"PAY_0": 10}, [("PAY_0", "less_than_equal")]),
        ({"PAY_0": True}, [("PAY_0", "int_type")]),
        ({"PAY_0": "1"}, [("PAY_0", "int_type")]),
        ({"PAY_0": 1.0}, [("PAY_0", "int_type")]),
        ({"LIMIT_BAL": float("nan")}, [("LIMIT_BAL", "finite_number")]),
        ({"LIMIT_BAL": 0}, [("LIMIT_BAL", "greater_than_equal")]),
        ({"BILL_AMT3": None}, [("BILL_AMT3", "float_type")]),
        ({"INCOME": 1}, [("INCOME", "extra_forbidden")]),
    ],
)
def test_bad_values_are_named_by_field_and_rule(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert errors(CARD.application, application(**changes)) == expected


def test_several_numbers_may_stand_next_to_the_bounds() -> None:
    model: Any = type("Bureau", (Application,), {"__annotations__": {"months": BUREAU_MONTHS}})
    assert field_rules(model)[0].sentinels == (-9, -8)
    assert [model(months=value).months for value in (-9, -8, 0, 120)] == [-9, -8, 0, 120]
    for wrong in (-7, 121, True):
        with pytest.raises(ValidationError):
            model(months=wrong)
    assert model.model_json_schema()["properties"]["months"]["anyOf"][1:] == [
        {"const": -9, "type": "integer"},
        {"const": -8, "type": "integer"},
    ]


def test_an_error_never_repeats_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        CARD.application.model_validate(application(LIMIT_BAL=123456789012))
    assert "123456789012" not in str(caught.value)
    assert "123456789012" not in str(field_errors(caught.value))


def test_fields_answer_to_their_python_names_too() -> None:
    by_name = {rule.field: CARD.example[rule.column] for rule in CARD.rules}
    assert CARD.application.model_validate(by_name) == CARD.application.model_validate(dict(CARD.example))


def test_protected_fields_may_be_left_out_unless_the_graph_reads_them() -> None:
    body = {name: value for name, value in CARD.example.items() if name not in CARD.protected}
    assert CARD.request_model(["PAY_0"]).model_validate(body)
    assert errors(CARD.request_model(["PAY_0", "AGE"]), body) == [("AGE", "missing")]
    assert errors(CARD.request_model(["AGE"]), {**body, "AGE": None}) == [("AGE", "int_type")]
    assert errors(CARD.request_model(["AGE"]), {**body, "AGE": 17}) == [("AGE", "greater_than_equal")]


def last_reason(**changes: Any) -> tuple[ReasonGroup, ...]:
    """The groups with another last one, which is EDUCATION."""
    return (*CARD.reasons[:-1], replace(CARD.reasons[-1], **changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bands": (RiskBand("A", 0.5), RiskBand("B", 0.4))}, "bands must rise"),
        ({"bands": (RiskBand("A", 0.5),)}, "the last must lie above 1"),
        ({"cutoff": 1.0}, "the cut-off must lie between 0 and 1"),
        ({"purpose": " "}, "purpose and limits must say something"),
        ({"limits": ()}, "purpose and limits must say something"),
        ({"reasons": ()}, "there must be 1 to 10 reason groups, not 0"),
        ({"reasons": CARD.reasons * 2}, "there must be 1 to 10 reason groups, not 12"),
        ({"reasons": CARD.reasons[:-1]}, "must be in one reason group: EDUCATION"),
        ({"reasons": last_reason(columns=("EDUCATION", "SEX"))}, "must be in one reason group: SEX"),
        ({"reasons": last_reason(columns=("EDUCATION", "ID"))}, "must be in one reason group: ID"),
        ({"reasons": last_reason(columns=("EDUCATION", "PAY_0"))}, "must be in one reason group: PAY_0"),
        ({"reasons": last_reason(columns=("EDUCATION", "INCOME"))}, "must be in one reason group: INCOME"),
        (
            {"reasons": last_reason(code="BALANCES")},
            "reason BALANCES is there twice",
        ),
        ({"reasons": last_reason(sentence=" ")}, "reason EDUCATION .* no sentence"),
        ({"reasons": last_reason(code="school")}, "'school' is not the code"),
        ({"reasons": last_reason(code="PROTECTED")}, "'PROTECTED' is not the code"),
        ({"protected": frozenset({"RELIGION"})}, r"protected columns are not fields: \['RELIGION'\]"),
    ],
)
def test_a_scorecard_that_contradicts_itself_is_refused(changes: dict[str, Any], complaint: str) -> None:
    fields = {name: getattr(CARD, name) for name in Scorecard.__dataclass_fields__}
    with pytest.raises(ValueError, match=complaint):
        Scorecard(**{**fields, **changes})


EMPLOYED = ("DAYS_EMPLOYED", "OCCUPATION_TYPE")
SHORT = Statement("TOO_SHORT", "The employment is too short.", above("DAYS_EMPLOYED"))
NONE = Statement("NOT_EMPLOYED", "The applicant is not employed.", equal("DAYS_EMPLOYED", 365_243))
UNKNOWN = Statement("NOT_GIVEN", "The occupation was not given.", missing("OCCUPATION_TYPE"))


@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        ((SHORT, NONE), "no statement of EMPLOYMENT speaks of OCCUPATION_TYPE"),
        (
            (SHORT, NONE, replace(UNKNOWN, when=differs("OCCUPATION_TYPE"))),
            "OCCUPATION_TYPE may be missing, and no statement of EMPLOYMENT says so",
        ),
        ((SHORT, UNKNOWN), "DAYS_EMPLOYED may be 365243, and no statement of EMPLOYMENT says what that means"),
        ((SHORT, NONE, UNKNOWN, UNKNOWN), "statement NOT_GIVEN of EMPLOYMENT is there twice"),
        ((replace(SHORT, code="short"), NONE, UNKNOWN), "statement short of EMPLOYMENT .* no.* such as TOO_HIGH"),
        ((replace(SHORT, sentence=" "), NONE, UNKNOWN), "TOO_SHORT of EMPLOYMENT has no sentence"),
        ((replace(SHORT, when=()), NONE, UNKNOWN), "TOO_SHORT of EMPLOYMENT has no sentence, or no fact"),
        ((replace(SHORT, when=above("AMT_INCOME_TOTAL")), NONE, UNKNOWN), "AMT_INCOME_TOTAL is no column of the group"),
        ((replace(SHORT, when=above("OCCUPATION_TYPE")), NONE, UNKNOWN), "OCCUPATION_TYPE is text, which is neither"),
        ((replace(SHORT, when=lower("DAYS_EMPLOYED", "a")), NONE, UNKNOWN), "DAYS_EMPLOYED is no text"),
        ((replace(NONE, when=equal("DAYS_EMPLOYED", 1)), NONE, UNKNOWN), "statement NOT_EMPLOYED .* twice"),
        ((SHORT, replace(NONE, when=equal("DAYS_EMPLOYED", 1)), UNKNOWN), "DAYS_EMPLOYED is never 1"),
        ((SHORT, NONE, replace(UNKNOWN, when=equal("OCCUPATION_TYPE", "Poet"))), "OCCUPATION_TYPE is never 'Poet'"),
        (
            (replace(SHORT, when=above("DAYS_EMPLOYED", compared=False)), NONE, UNKNOWN),
            "a fact that is not compared needs a limit",
        ),
    ],
)
def test_statements_that_say_too_little_or_what_cannot_be_are_refused(
    statements: tuple[Statement, ...], complaint: str
) -> None:
    card = load("card_approval")
    reasons = tuple(
        replace(group, statements=statements) if group.columns == EMPLOYED else group for group in card.reasons
    )
    with pytest.raises(ValueError, match=complaint):
        replace(card, reasons=reasons)


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        (
            {"missing": ("", "A11")},
            "german.data takes 'A11' for a missing value, and Status of existing .* as a choice",
        ),
        ({"separator": ",", "decimal": ","}, "german.data: a separator is one character and a decimal mark another"),
        ({"encoding": "lattin"}, "german.data: 'lattin' is no encoding that Python knows"),
        ({"ignored": ("Risk", "GRADE")}, "german.data ignores Risk, which are needed"),
    ],
)
def test_a_source_that_contradicts_its_scorecard_is_refused(declared: dict[str, Any], complaint: str) -> None:
    german = load("german_credit")
    (source,) = german.sources
    with pytest.raises(ValueError, match=complaint):
        replace(german, sources=(replace(source, files=(replace(source.files[0], **declared),)),))


def test_sample_data_have_the_published_marginals() -> None:
    sample = CARD.sample(np.random.default_rng(1), 30_000)
    assert sample[CARD.target].mean() == pytest.approx(0.2212, abs=0.01)
    assert (sample["SEX"] == 2).mean() == pytest.approx(0.604, abs=0.01)
    shares = [(sample["PAY_0"] == status).mean() for status in (-2, -1, 0, 1, 2)]
    assert shares == pytest.approx([0.092, 0.190, 0.491, 0.123, 0.089], abs=0.01)
