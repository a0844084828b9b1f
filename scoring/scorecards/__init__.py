"""The scorecards, one module per product, each with a module-level `SCORECARD`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from scoring.expected import ExpectedError
from scoring.scorecard import Scorecard


class UnknownScorecardError(ExpectedError, LookupError):
    """No module under `scoring/scorecards/` has the name asked for."""


class BrokenScorecardError(ExpectedError):
    """A module under `scoring/scorecards/` declares no scorecard, or one that contradicts itself."""


def names() -> tuple[str, ...]:
    """Return the names of all scorecards, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def load(name: str) -> Scorecard:
    """Return the scorecard of that name.

    Raises:
        UnknownScorecardError: there is none; the message lists those there are.
        BrokenScorecardError: its module cannot be imported, or has no `SCORECARD` of that name.
    """
    if name not in names():
        raise UnknownScorecardError(f"there is no scorecard {name!r}; there are: {', '.join(names())}")
    try:
        module = import_module(f"{__name__}.{name}")
    except Exception as error:  # whatever a module's own code raises
        problem = " ".join(str(error).split())
        raise BrokenScorecardError(f"scoring/scorecards/{name}.py: {type(error).__name__}: {problem}") from error
    scorecard = getattr(module, "SCORECARD", None)
    if not isinstance(scorecard, Scorecard):
        raise BrokenScorecardError(f"scoring/scorecards/{name}.py declares no SCORECARD = Scorecard(...)")
    if scorecard.name != name:
        raise BrokenScorecardError(
            f"scoring/scorecards/{name}.py: its SCORECARD is called {scorecard.name!r}; it must have the file's name"
        )
    return scorecard
