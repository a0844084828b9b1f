"""The description of the form, of every scorecard: each field once, with the rules of its contract."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest
from inline_snapshot import snapshot

from scoring import scorecards
from scoring.application import field_rules
from scoring.form import NOT_READ, READ, FormField, Option, form_groups

NAMES = scorecards.names()


def fields(name: str) -> dict[str, FormField]:
    scorecard = scorecards.load(name)
    groups = form_groups(scorecard, scorecard.application, ())
    return {field.name: field for field in chain.from_iterable(group.fields for group in groups)}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_in_the_form_once_with_the_bounds_of_its_rule(name: str) -> None:
    scorecard = scorecards.load(name)
    groups = form_groups(scorecard, scorecard.application, ())
    assert sorted(field.name for group in groups for field in group.fields) == sorted(scorecard.columns)
    found = fields(name)
    for rule in field_rules(scorecard.application):
        field = found[rule.column]
        assert (field.kind, field.required) == (rule.kind, rule.required)
        if rule.kind != "text":
            assert (float(field.minimum), float(field.maximum)) == (rule.minimum, rule.maximum)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_can_be_sent_and_every_permitted_value_chosen(name: str) -> None:
    scorecard = scorecards.load(name)
    found = fields(name)
    for rule in field_rules(scorecard.application):
        field = found[rule.column]
        offered = {option.value for option in (*field.options, *field.beyond)}
        if field.options:
            assert offered == {str(level) for level in rule.levels}, rule.column
        else:
            assert offered == {str(sentinel) for sentinel in rule.sentinels}, rule.column


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_the_form_is_the_scorecard_s(name: str) -> None:
    scorecard = scorecards.load(name)
    kinds = {"integer": int, "number": float, "text": str}
    sent = {column: kinds[field.kind](field.example) for column, field in fields(name).items() if field.example}
    assert sent == dict(scorecard.example)
    scorecard.application.model_validate(sent)


def test_the_groups_are_those_of_the_reasons_with_the_client_first_and_the_protected_last() -> None:
    scorecard = scorecards.load("home_credit")
    titles = [(group.title, len(group.fields)) for group in form_groups(scorecard, scorecard.application, ())]
    assert titles == snapshot(
        [
            ("Client", 1),
            ("External scores", 3),
            ("Credit bureau", 6),
            ("Loan", 4),
            ("Income and employment", 6),
            ("Home and application", 98),
            ("Protected by law", 3),
        ]
    )


def test_it_is_said_whether_the_model_reads_what_is_protected() -> None:
    scorecard = scorecards.load("card_default")
    *_, left_out = form_groups(scorecard, scorecard.application, ["LIMIT_BAL"])
    *_, read = form_groups(scorecard, scorecard.request_model(["AGE"]), ["LIMIT_BAL", "AGE"])
    assert (left_out.note, read.note) == (NOT_READ, READ)
    assert [field.name for field in read.fields if field.required] == ["AGE"]
    assert not any(field.required for field in left_out.fields)


def test_a_field_is_described_in_words() -> None:
    found = fields("card_approval")
    assert found["DAYS_EMPLOYED"] == snapshot(
        FormField(
            name="DAYS_EMPLOYED",
            title="Employed since",
            hint="Counted back from the application: a number below 0.",
            unit="days",
            kind="integer",
            required=True,
            minimum="-20000",
            maximum="0",
            bounds="From \N{MINUS SIGN}20,000 to 0.",
            options=(),
            beyond=(Option(value="365243", word="Not employed"),),
            example="-586",
        )
    )
    assert found["FLAG_OWN_CAR"] == snapshot(
        FormField(
            name="FLAG_OWN_CAR",
            title="Owns a car",
            hint="",
            unit="",
            kind="text",
            required=True,
            minimum="",
            maximum="",
            bounds="",
            options=(Option(value="N", word="No"), Option(value="Y", word="Yes")),
            beyond=(),
            example="N",
        )
    )


def test_a_scorecard_without_labels_has_a_form_too() -> None:
    scorecard = replace(scorecards.load("card_default"), labels={})
    (limit,) = [
        field
        for group in form_groups(scorecard, scorecard.application, ())
        for field in group.fields
        if field.name == "LIMIT_BAL"
    ]
    assert (limit.title, limit.hint) == ("Limit bal", "credit limit")
