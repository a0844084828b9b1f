"""Errors of the making wing."""

from scoring.expected import ExpectedError


class TrackingError(ExpectedError):
    """The run could not be recorded; the message names the server and its answer."""


class StageError(ExpectedError):
    """A stage cannot go on; the message says why and what to do."""
