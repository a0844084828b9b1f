"""The labels of fields: every scorecard's fit its contract, and a field without one has a name all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring import scorecards
from scoring.application import FieldRule
from scoring.labels import NO_OR_YES, Label, label_of
from scoring.scorecard import Scorecard

CARD = scorecards.load("german_credit")


@pytest.mark.parametrize("name", scorecards.names())
def test_every_field_has_a_title_and_no_two_the_same(name: str) -> None:
    scorecard = scorecards.load(name)
    assert set(scorecard.labels) == set(scorecard.columns)
    titles = [label.title for label in scorecard.labels.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", scorecards.names())
def test_two_values_of_a_field_have_different_words(name: str) -> None:
    for column, label in scorecards.load(name).labels.items():
        assert len(set(label.words.values())) == len(label.words), column


@pytest.mark.parametrize(
    ("column", "label", "fault"),
    [
        ("Height", Label("Height"), "german_credit: the label of Height is of no field"),
        (
            "Job",
            Label("Job", words={"A175": "None"}),
            "the label of Job has a word for 'A175', which its",
        ),
        ("Credit amount", Label("Amount", words={0: "None"}), "the label of Credit amount has a word for 0, which its"),
        ("Age in years", Label("Age", words={17: "Young"}), "the label of Age in years has a word for 17, which"),
        ("Job", Label(" "), "the label of Job has an empty title or word"),
        ("Job", Label("Job", words={"A171": ""}), "the label of Job has an empty title or word"),
    ],
)
def test_a_label_that_does_not_fit_is_named(column: str, label: Label, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        replace(CARD, labels={column: label})


def test_a_scorecard_may_do_without_labels() -> None:
    assert isinstance(replace(CARD, labels={}), Scorecard)


@pytest.mark.parametrize(
    ("rule", "description", "label"),
    [
        (FieldRule("income", "AMT_INCOME", "number", True, 0, 9), "a year", Label("Amt income", hint="a year")),
        (FieldRule("job", "Job of the client", "text", True, choices=("A",)), None, Label("Job of the client")),
        (FieldRule("phone", "has phone", "integer", True, 0, 1), None, Label("Has phone", words=NO_OR_YES)),
        (FieldRule("phone", "PHONE", "integer", True, 0, 1, sentinels=(9,)), None, Label("Phone")),
    ],
)
def test_a_field_without_a_label_goes_by_its_column(rule: FieldRule, description: str | None, label: Label) -> None:
    assert label_of({}, rule, description) == label
