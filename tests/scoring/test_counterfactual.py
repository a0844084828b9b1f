"""The smallest approved change, next to a search that knows nothing of the one under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from numpy.typing import NDArray
from pydantic import Field

from scoring.application import Application
from scoring.changeable import MOST_COMBINATIONS, Changeable
from scoring.counterfactual.answer import Counterfactual
from scoring.counterfactual.search import smallest_change
from scoring.derived import Derived
from scoring.frames import Frame, thin_frame
from scoring.graph import Inputs
from scoring.scorecard import ReasonGroup, Scorecard
from scoring.scorecards import load

Score = Callable[[Inputs], NDArray[np.float32]]
PURPOSES = ("car", "house", "travel")
COLUMNS = ("AMOUNT", "MONTHS", "INCOME", "PURPOSE")


class LoanApplication(Application):
    amount: float = Field(alias="AMOUNT", ge=1, le=1e6)
    months: int = Field(alias="MONTHS", ge=1, le=1_000)
    income: float | None = Field(None, alias="INCOME", ge=0, le=1e6)
    purpose: Literal["car", "house", "travel"] = Field(alias="PURPOSE")
    age: int | None = Field(None, alias="AGE", ge=18, le=120)


CARD = replace(
    load("card_default"),
    application=LoanApplication,
    labels={},
    dialects=(),
    codes=frozenset(),
    key="ID",
    protected=frozenset({"AGE"}),
    example={"AMOUNT": 6, "MONTHS": 3, "PURPOSE": "travel"},
    reasons=(ReasonGroup("LOAN", "The loan.", COLUMNS),),
    changeable=(
        Changeable("AMOUNT", "down", minimum=1, maximum=8),
        Changeable("MONTHS", minimum=1, maximum=6),
        Changeable("PURPOSE", "up", choices=("travel", "house", "car")),
    ),
)
FRAME = Frame(CARD, COLUMNS)


def search(
    application: Application, score: Score, card: Scorecard = CARD, cutoff: float = 0.5
) -> Counterfactual | None:
    frame = FRAME if card.application is LoanApplication else thin_frame(card, FRAME.columns)
    return smallest_change(card, application, COLUMNS, frame.inputs([application]), score, cutoff)


def applicant(**changes: Any) -> Application:
    return LoanApplication.model_validate({**CARD.example, **changes})


def linear(amount: float = 0.0, months: float = 0.0, income: float = 0.0, **purposes: float) -> Score:
    """A PD that is a sum of what each column adds; a missing income adds nothing."""

    def score(inputs: Inputs) -> NDArray[np.float32]:
        assert inputs.text is not None
        numbers = np.nan_to_num(inputs.numeric.astype(np.float64))
        pd = numbers[:, 0] * amount + numbers[:, 1] * months + numbers[:, 2] * income
        pd += [purposes.get(purpose, 0.0) for purpose in inputs.text[:, 0]]
        return pd.clip(0, 1).astype(np.float32)

    return score


def found(result: Counterfactual | None) -> dict[str, float | str]:
    assert result is not None
    assert result.found == bool(result.changes) == (result.pd is not None)
    return {change.field: change.to for change in result.changes}


def test_one_field_before_two_and_then_the_least_change() -> None:
    # An amount moves over 7, months over 5, and a purpose counts as much as either in full.
    assert found(search(applicant(), linear(amount=0.1, travel=0.2, house=-0.3))) == {"AMOUNT": 2.0}
    assert found(search(applicant(), linear(amount=0.1, travel=0.5, house=-0.3))) == {"PURPOSE": "house"}
    assert found(search(applicant(), linear(amount=0.1, months=0.1, travel=0.1))) == {"AMOUNT": 1.0, "MONTHS": 2}


def test_the_answer_says_what_was_changed_what_was_searched_and_how() -> None:
    result = search(applicant(), linear(amount=0.125))
    assert result is not None
    assert result.model_dump(mode="json") == snapshot(
        {
            "found": True,
            "changes": [{"field": "AMOUNT", "from": 6.0, "to": 3.0}],
            "derived": [],
            "pd": 0.375,
            "cutoff": 0.5,
            "searched": [
                {"field": "AMOUNT", "direction": "down", "minimum": 1.0, "maximum": 8.0, "step": 1.0, "choices": None},
                {
                    "field": "MONTHS",
                    "direction": "either",
                    "minimum": 1.0,
                    "maximum": 6.0,
                    "step": 1.0,
                    "choices": None,
                },
                {
                    "field": "PURPOSE",
                    "direction": "up",
                    "minimum": None,
                    "maximum": None,
                    "step": None,
                    "choices": ["travel", "house", "car"],
                },
            ],
            "exhaustive": True,
            "tried": 12,
            "nothing_searched": None,
        }
    )


def test_what_is_approved_already_has_no_counterfactual() -> None:
    assert search(applicant(), linear(amount=0.01)) is None
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert search(applicant(), lambda inputs: np.full(len(inputs), below)) is None
    assert search(applicant(), lambda inputs: np.full(len(inputs), 0.5, dtype=np.float32)) is not None


def test_none_within_the_bounds_is_said_with_all_that_was_tried() -> None:
    result = search(applicant(), linear(travel=1, house=1, car=1))
    assert result is not None
    assert found(result) == {}
    # 5 lower amounts, 5 other months, 2 purposes: each with each, or as it was.
    assert (result.exhaustive, result.tried) == (True, 6 * 6 * 3 - 1)


def nothing(card: Scorecard, columns: tuple[str, ...] = COLUMNS, **sent: Any) -> str:
    """Return why nothing was searched of a decline."""
    application = applicant(**sent)
    row = Frame(CARD, columns).inputs([application])
    result = smallest_change(card, application, columns, row, lambda rows: np.ones(len(rows), np.float32), 0.5)
    assert result is not None
    assert (result.found, result.searched, result.exhaustive, result.tried) == (False, [], False, 0)
    assert result.nothing_searched is not None
    return result.nothing_searched


def test_where_nothing_can_be_changed_the_answer_says_why_and_claims_nothing() -> None:
    none = replace(CARD, changeable=())
    assert nothing(none) == "the scorecard declares no field that an applicant can change"
    assert nothing(CARD, ("INCOME",)) == "the model reads none of the fields that an applicant can change"
    amount = replace(CARD, changeable=CARD.changeable[:1])
    assert nothing(amount, AMOUNT=1) == "as they were sent, these cannot be changed within their bounds: AMOUNT"


def test_a_field_that_the_graph_does_not_read_is_not_searched() -> None:
    frame = Frame(CARD, ("MONTHS",))
    sent = applicant()
    result = smallest_change(
        CARD, sent, ("MONTHS",), frame.inputs([sent]), lambda inputs: inputs.numeric[:, 0] / np.float32(5), 0.5
    )
    assert result is not None
    assert ([field.field for field in result.searched], found(result)) == (["MONTHS"], {"MONTHS": 2})


def test_a_missing_value_is_not_changed_and_a_given_one_is() -> None:
    card = replace(CARD, changeable=(Changeable("INCOME", "up", minimum=0, maximum=10),))
    missing = search(applicant(), linear(income=-0.1, travel=0.75), card=card)
    assert missing is not None
    assert (missing.found, missing.searched) == (False, [])
    assert found(search(applicant(INCOME=0), linear(income=-0.1, travel=0.75), card=card)) == {"INCOME": 3.0}


def test_a_maximum_from_another_column_holds_for_the_applicant() -> None:
    card = replace(CARD, changeable=(Changeable("AMOUNT", "up", minimum=1, maximum=9, at_most="INCOME"),))
    score = linear(amount=-0.1, travel=1.2)
    capped = search(applicant(INCOME=7.5), score, card=card)
    assert capped is not None
    assert (capped.found, capped.searched[0].maximum) == (False, 7.5)
    assert found(search(applicant(INCOME=8.0), score, card=card)) == {"AMOUNT": 8.0}
    assert found(search(applicant(), score, card=card)) == {"AMOUNT": 8.0}, "no income, no maximum by it"


def test_a_held_ratio_does_not_rise() -> None:
    held = replace(CARD, held_ratios=(("AMOUNT", "MONTHS"),))
    score = linear(months=0.2)
    assert found(search(applicant(), score)) == {"MONTHS": 2}
    assert found(search(applicant(), score, card=held)) == {"AMOUNT": 4.0, "MONTHS": 2}
    missing = replace(CARD, held_ratios=(("AMOUNT", "MONTHS"),), changeable=CARD.changeable[1:])
    result = search(applicant(), score, card=missing)
    assert result is not None
    assert not result.found, "what cannot be changed holds the ratio by its own value"


def test_of_two_as_small_the_field_declared_first_wins() -> None:
    twins = (Changeable("AMOUNT", minimum=1, maximum=9), Changeable("MONTHS", minimum=1, maximum=9))
    score = linear(amount=0.1, months=0.1)
    for changeable in (twins, twins[::-1]):
        card = replace(CARD, changeable=changeable)
        assert found(search(applicant(AMOUNT=3), score, card=card)) == {changeable[0].column: 1}


def test_two_sums_of_the_same_changes_are_as_small_in_whatever_order_they_were_added() -> None:
    """0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1 by its last bit."""
    changeable = [Changeable(column, "up", minimum=1, maximum=11) for column in ("AMOUNT", "MONTHS", "INCOME")]

    def score(inputs: Inputs) -> NDArray[np.float32]:
        approved = [row in ([2, 3, 4], [4, 3, 2]) for row in inputs.numeric.tolist()]
        return np.where(approved, 0, 1).astype(np.float32)

    result = search(applicant(AMOUNT=1, MONTHS=1, INCOME=1), score, card=replace(CARD, changeable=tuple(changeable)))
    assert found(result) == {"AMOUNT": 2, "MONTHS": 3, "INCOME": 4}


def test_the_same_question_has_the_same_answer() -> None:
    score = linear(amount=0.07, months=0.05, travel=0.1)
    assert search(applicant(), score) == search(applicant(), score)


# A PD of its own for every amount, months and purpose, so that nothing but trying all of them can find the smallest.
TABLES = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).random((10, 10, 3), dtype=np.float32))


def lookup(table: NDArray[np.float32]) -> Score:
    def score(inputs: Inputs) -> NDArray[np.float32]:
        assert inputs.text is not None
        amount, months = inputs.numeric[:, :2].astype(np.int64).T
        return table[amount, months, [PURPOSES.index(purpose) for purpose in inputs.text[:, 0]]]

    return score


def brute_force(table: NDArray[np.float32], own: tuple[int, int, str], cutoff: float) -> tuple[int, float] | None:
    """How many fields the smallest approved change has, and how large it is."""
    rank = {"travel": 0, "house": 1, "car": 2}
    smallest = None
    for amount in range(1, 10):
        for months in range(1, 10):
            for purpose in PURPOSES:
                if amount != own[0] and not (amount < own[0] and amount <= 8):
                    continue
                if months != own[1] and months > 6:
                    continue
                if rank[purpose] < rank[own[2]] or table[amount, months, PURPOSES.index(purpose)] >= cutoff:
                    continue
                fields = (amount != own[0]) + (months != own[1]) + (purpose != own[2])
                size = abs(amount - own[0]) / 7 + abs(months - own[1]) / 5 + (purpose != own[2])
                if smallest is None or (fields, round(size, 9)) < smallest:
                    smallest = (fields, round(size, 9))
    return smallest


@settings(max_examples=200)
@given(TABLES, st.integers(1, 9), st.integers(1, 9), st.sampled_from(PURPOSES), st.floats(0.002, 0.4))
def test_it_is_what_trying_everything_finds(
    table: NDArray[np.float32], amount: int, months: int, purpose: str, cutoff: float
) -> None:
    sent = applicant(AMOUNT=amount, MONTHS=months, PURPOSE=purpose)
    expected = brute_force(table, (amount, months, purpose), cutoff)
    result = search(sent, lookup(table), cutoff=cutoff)
    if result is None:
        assert expected == (0, 0.0)
        return
    assert result.exhaustive
    changed = found(result)
    if expected is None:
        assert changed == {}
        return
    to_amount, to_months = (int(changed.get(column, own)) for column, own in (("AMOUNT", amount), ("MONTHS", months)))
    to_purpose = str(changed.get("PURPOSE", purpose))
    size = abs(to_amount - amount) / 7 + abs(to_months - months) / 5 + (to_purpose != purpose)
    assert (len(changed), round(size, 9)) == expected
    assert result.pd == table[to_amount, to_months, PURPOSES.index(to_purpose)] < cutoff


FINE = replace(
    CARD,
    changeable=(
        Changeable("AMOUNT", "down", minimum=1, maximum=1_001),
        Changeable("MONTHS", minimum=1, maximum=1_000),
        Changeable("INCOME", "up", minimum=0, maximum=1_000),
    ),
)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.floats(0.05, 1)] * 3),
    st.tuples(st.integers(1, 1_001), st.integers(1, 1_000), st.integers(0, 1_000)),
    st.floats(0.02, 0.98),
)
def test_where_not_every_step_can_be_tried_no_number_could_stay_a_step_nearer(
    weights: tuple[float, ...], own: tuple[int, ...], share: float
) -> None:
    """A billion combinations; fewer months and a smaller amount, and a higher income, lower the PD evenly."""
    amount, months, income = (weight / sum(weights) / 1_000 for weight in weights)
    score = linear(amount=amount, months=months, income=-income, travel=income * 1_000)
    sent = applicant(AMOUNT=own[0], MONTHS=own[1], INCOME=own[2])
    start = float(score(FRAME.inputs([sent]))[0])
    cutoff = max(share * start, 1e-3)
    result = search(sent, score, card=FINE, cutoff=cutoff)
    if start < cutoff:
        assert result is None
        return
    assert result is not None
    assert result.tried <= MOST_COMBINATIONS
    # Of one field alone every step is tried.
    assert result.exhaustive == (len(result.changes) == 1)
    values = {"AMOUNT": own[0], "MONTHS": own[1], "INCOME": own[2]}
    best = {"AMOUNT": 1, "MONTHS": 1, "INCOME": 1_000}
    reach = {
        column: float(score(FRAME.inputs([applicant(**{**values, column: best[column]})]))[0]) for column in values
    }
    if not result.found:
        assert float(score(FRAME.inputs([applicant(**best)]))[0]) >= cutoff
        return
    assert (len(result.changes) == 1) == (min(reach.values()) < cutoff)
    after = {**values, **found(result)}
    assert float(score(FRAME.inputs([applicant(**after)]))[0]) < cutoff
    for change in result.changes:
        nearer = {**after, change.field: float(change.to) + (1 if values[change.field] > float(change.to) else -1)}
        nearer["MONTHS"] = int(nearer["MONTHS"])
        assert float(score(FRAME.inputs([applicant(**nearer)]))[0]) >= cutoff


def test_a_held_ratio_does_not_rise_on_the_way_back_either() -> None:
    card = replace(FINE, held_ratios=(("AMOUNT", "MONTHS"),))
    sent = applicant(AMOUNT=1_001, MONTHS=1_000, INCOME=1_000)
    result = search(sent, linear(months=0.001), card=card, cutoff=0.4)
    after = {"MONTHS": 1_000, **found(result)}
    assert float(after["AMOUNT"]) / float(after["MONTHS"]) <= 1.001
    assert after["MONTHS"] == 399


class RatioApplication(LoanApplication):
    ratio: float | None = Field(None, alias="RATIO", ge=0, le=4, description="amount by income")
    left: int | None = Field(None, alias="LEFT", ge=0, le=1_000, description="months beyond the first")


RATIO_CARD = replace(
    CARD,
    application=RatioApplication,
    example={"AMOUNT": 6, "MONTHS": 3, "INCOME": 4, "PURPOSE": "travel", "RATIO": 1.5, "LEFT": 2},
    reasons=(ReasonGroup("LOAN", "The loan.", ("AMOUNT", "MONTHS", "INCOME", "PURPOSE", "RATIO", "LEFT")),),
    derived=(
        Derived("RATIO", ("AMOUNT", "INCOME"), np.divide),
        Derived("LEFT", ("MONTHS",), lambda months: months - 1),
    ),
)


def by_ratio(card: Scorecard = RATIO_CARD, **sent: Any) -> Counterfactual:
    """Search by a model that reads the ratio and the months left alone."""
    application = card.application.model_validate({**card.example, **sent})
    columns = ("RATIO", "LEFT")
    row = Frame(card, columns).inputs([application])

    def score(inputs: Inputs) -> NDArray[np.float32]:
        pd: NDArray[np.float64] = np.nan_to_num(inputs.numeric) @ np.array([0.4, 0.1])
        return pd.clip(0, 1).astype(np.float32)

    result = smallest_change(card, application, columns, row, score, 0.5)
    assert result is not None
    return result


def test_a_derived_field_follows_when_its_parts_change() -> None:
    result = by_ratio()
    assert {change.field: change.to for change in result.changes} == {"AMOUNT": 2.0}
    assert [change.model_dump() for change in result.derived] == [{"field": "RATIO", "from": 1.5, "to": 0.5}]
    assert result.pd == np.float32(0.4)
    # A whole number follows whole.
    months = replace(RATIO_CARD, changeable=(CARD.changeable[1],))
    result = by_ratio(months, RATIO=0.8, AMOUNT=3.2)
    assert {change.field: change.to for change in result.derived} == {"LEFT": 1}


def test_a_derived_field_that_would_leave_its_bounds_or_was_not_sent_is_no_way_out() -> None:
    longer = replace(RATIO_CARD, changeable=(Changeable("AMOUNT", minimum=1, maximum=18),))
    # An amount above 16 would be more than four times the income.
    assert by_ratio(longer, RATIO=4, AMOUNT=16).changes[0].to == 2.0
    alone = by_ratio(replace(longer, changeable=(CARD.changeable[1],)), RATIO=4, LEFT=None)
    assert (alone.found, alone.derived) == (False, [])


def test_a_derived_field_is_checked_with_the_scorecard() -> None:
    for derived, complaint in (
        ((Derived("RATIO", ("AMOUNT", "PURPOSE"), np.divide),), "made of PURPOSE, which is no field of numbers"),
        ((Derived("AMOUNT", ("MONTHS",), np.sqrt),), "is changeable"),
        ((Derived("RATIO", ("INCOME", "AMOUNT"), np.divide),), "is 1.5 in the example, whose parts give 0.666667"),
        ((RATIO_CARD.derived[0],) * 2, "declared twice"),
    ):
        with pytest.raises(ValueError, match=complaint):
            replace(RATIO_CARD, derived=derived)
