"""Errors that a user can mend."""


class ExpectedError(RuntimeError):
    """A fault of input, files or servers: the message says in one line what is wrong and what to do."""


class DataError(ExpectedError):
    """The data cannot be used; the message says why and what to do."""
