"""A PD meets a cut-off in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scoring.decision_rules import declined
from tests.conftest import PROJECT

ROOMS = ("scoring", "serving", "training", "pipelines", "loadtests")
MAY_COMPARE = {
    "scoring/decision_rules.py": "the one place",
    "pipelines/cli/cutoff.py": "compares two cut-offs",
    "loadtests/benchmarks/plain_portfolio.py": "the peer: a script that knows nothing of Scorebox",
}


@pytest.mark.parametrize("cutoff", [0.25, 0.1, 0.3])
def test_a_cutoff_is_compared_in_double_precision(cutoff: float) -> None:
    nearest = np.float32(cutoff)
    pds = np.array([np.nextafter(nearest, np.float32(0)), nearest, np.nextafter(nearest, np.float32(1))])
    assert declined(pds, cutoff).tolist() == [float(pd) >= cutoff for pd in pds] == [declined(pd, cutoff) for pd in pds]


def test_a_pd_just_below_a_cutoff_that_single_precision_would_round_to_it_is_approved() -> None:
    # 0.7 is 0.699999988 in single precision.
    assert np.float32(0.7) >= np.float32(0.7)
    assert not declined(np.array([0.7], dtype=np.float32), 0.7)[0]


def test_nothing_else_compares_with_a_cutoff() -> None:
    found = {str(path.relative_to(PROJECT)) for path in _sources() if any(_comparisons(path))}
    assert found == set(MAY_COMPARE)


def _sources() -> Iterator[Path]:
    yield PROJECT / "service.py"
    for room in ROOMS:
        yield from (PROJECT / room).rglob("*.py")


def _comparisons(path: Path) -> Iterator[ast.Compare]:
    """Yield orderings of a cut-off and anything but a constant."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(
            isinstance(one, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for one in node.ops
        ):
            operands = [one for one in (node.left, *node.comparators) if not isinstance(one, ast.Constant)]
            if len(operands) > 1 and any(_name(one).endswith("cutoff") for one in operands):
                yield node


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
