"""Errors of the making wing."""


class DataError(RuntimeError):
    """The data cannot be used; the message says why and what to do."""
