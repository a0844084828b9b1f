"""The scorecards, one module per product, each with a module-level `SCORECARD`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from scoring.expected import ExpectedError
from scoring.scorecard import Scorecard


class UnknownScorecardError(ExpectedError, LookupError):
    """No module under `scoring/scorecards/` has the name asked for."""


def names() -> tuple[str, ...]:
    """Return the names of all scorecards, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def load(name: str) -> Scorecard:
    """Return the scorecard of that name.

    Raises:
        UnknownScorecardError: there is none; the message lists those there are.
    """
    if name not in names():
        raise UnknownScorecardError(f"there is no scorecard {name!r}; there are: {', '.join(names())}")
    scorecard = import_module(f"{__name__}.{name}").SCORECARD
    assert isinstance(scorecard, Scorecard)
    return scorecard
