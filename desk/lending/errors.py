"""Why something cannot be done; HTTP answers them with 422 and 409."""

from __future__ import annotations

from scoring.errors import FieldError


class BrokenRulesError(Exception):
    """Rules are broken by what was sent.

    Attributes:
        errors: one for each rule.
    """

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = list(errors)


class WrongMomentError(Exception):
    """As things stand it cannot be done; the message says why."""


def broken(field: str, rule: str, message: str) -> BrokenRulesError:
    """Return the error of one broken rule."""
    return BrokenRulesError(FieldError(field=field, rule=rule, message=message))
