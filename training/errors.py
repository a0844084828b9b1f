"""Errors of the making wing."""


class DataError(RuntimeError):
    """The data cannot be used; the message says why and what to do."""


class TrackingError(RuntimeError):
    """The run could not be recorded; the message names the server and its answer."""


class StageError(RuntimeError):
    """A stage cannot go on; the message says why and what to do."""
