"""Which reasons are stated: the weightiest set that reaches approval, of groups with something true to say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.principal import MINOR, MOST_PRINCIPAL, NEGLIGIBLE, principal_reasons

GROUPS = 6


def values_of(weights: list[float]) -> NDArray[np.float32]:
    """Return values of groups that simply add up, [1, coalitions]."""
    members = (np.arange(2 ** len(weights))[:, None] >> np.arange(len(weights))) & 1
    return np.asarray([members @ np.array(weights)], dtype=np.float32)


def stated(
    weights: list[float], statable: set[int] | None = None, required: tuple[int, ...] = (), groups: int | None = None
) -> tuple[int, ...]:
    """Return the reasons of one row of groups that add up, of which the first `groups` may be stated."""
    contributions = np.array([weights[:groups]], dtype=np.float32)
    true = set(range(len(weights))) if statable is None else statable
    (found,) = principal_reasons(contributions, values_of(weights), [true], [required])
    return found


def test_the_weightiest_four_are_stated_in_order() -> None:
    assert stated([0.1, 0.5, -0.2, 0.4, 0.3, 0.2]) == (1, 3, 4, 5)


def test_what_speaks_against_a_default_is_no_reason() -> None:
    assert stated([0.0, 0.5, -0.2, -0.1, 0.3, -0.2]) == (1, 4)


def test_a_protected_group_is_never_stated() -> None:
    assert stated([0.1, 0.2, 9.0], groups=2) == (1, 0)


def test_a_group_with_nothing_true_to_say_gives_way_to_the_next() -> None:
    assert stated([0.1, 0.5, -0.2, 0.4, 0.3, 0.2], {0, 3, 4, 5}) == (3, 4, 5, 0)


def test_a_decline_of_which_nothing_true_could_be_said_still_has_a_reason() -> None:
    assert stated([0.1, 0.5, -0.2], set()) == (1, 0)


def test_a_required_group_is_stated_however_little_it_weighs() -> None:
    assert stated([0.01, 0.5, -0.2, 0.4, 0.3, 0.2], required=(0,)) == (1, 3, 4, 0)
    assert stated([0.01, 0.5, -0.2, 0.4, 0.3, 0.2], required=(2,)) == (1, 3, 4, 2)
    assert stated([0.5, 0.001], {0}, required=(1,)) == (0, 1)


def test_more_than_four_are_stated_only_where_more_are_required() -> None:
    assert stated([0.1, 0.5, -0.2, 0.4, 0.3, 0.2], required=(0, 2, 3, 4, 5)) == (3, 4, 5, 0, 2)


def test_a_set_that_reaches_approval_goes_before_a_weightier_one_that_does_not() -> None:
    contributions = np.array([[0.5, 0.4, 0.3, 0.2, 0.1, 0.0]], dtype=np.float32)
    values = np.ones((1, 64), dtype=np.float32)
    values[0, 0] = 0.0
    for chosen in ((0, 4), (1, 2, 4)):
        values[0, 63 - sum(1 << group for group in chosen)] = -0.1
    assert principal_reasons(contributions, values, [set(range(GROUPS))]) == [(1, 2, 4)]
    assert principal_reasons(contributions, values, [{0, 1, 3, 4, 5}]) == [(0, 4)]


weight = st.floats(-2, 2, width=32)


@given(st.data())
def test_the_stated_set_is_the_weightiest_of_those_that_reach_approval(data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 6))
    count = data.draw(st.integers(1, groups))
    row = data.draw(st.lists(weight, min_size=groups, max_size=groups))
    values = np.array([data.draw(st.lists(weight, min_size=2**groups, max_size=2**groups))], dtype=np.float32)
    statable = data.draw(st.sets(st.integers(0, count - 1)))
    required = data.draw(st.sets(st.integers(0, count - 1), max_size=data.draw(st.sampled_from([0, 6]))))
    (found,) = principal_reasons(np.array([row[:count]], dtype=np.float32), values, [statable], [required])

    def total(chosen: tuple[int, ...]) -> float:
        return sum(row[group] for group in chosen)

    def reaches(chosen: tuple[int, ...]) -> bool:
        own = [group for group in range(groups) if group not in chosen]
        return bool(values[0, sum(1 << group for group in own)] <= values[0, 0])

    speaking = {group for group in range(count) if row[group] > NEGLIGIBLE}
    allowed = (speaking & statable) | required or speaking
    most_groups = max(MOST_PRINCIPAL, len(required))
    every = [
        chosen
        for size in range(1, most_groups + 1)
        for chosen in combinations(sorted(allowed), size)
        if required <= set(chosen)
    ]
    enough = [chosen for chosen in every if reaches(chosen)]
    assert required <= set(found) <= allowed
    assert bool(found) == bool(allowed)
    assert len(found) <= most_groups
    assert list(found) == sorted(found, key=lambda group: -row[group])
    assert reaches(found) or not enough
    # What is left out of the weightiest set is minor, each in its turn, and not needed.
    most = max(map(total, enough or every), default=0)
    wholes = [
        sorted(chosen, key=lambda group: -row[group]) for chosen in (enough or every or [()]) if total(chosen) == most
    ]
    assert any(
        set(found) <= set(whole)
        and all(row[group] < MINOR * row[whole[0]] for group in whole if group not in found)
        and not required & (set(whole) - set(found))
        for whole in wholes
    )
    last = next((group for group in reversed(found) if group not in required), None)
    if len(found) > 1 and last is not None and row[last] < MINOR * row[found[0]]:
        assert not reaches(tuple(group for group in found if group != last))
