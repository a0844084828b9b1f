"""Errors that end a stage with one line instead of a traceback."""


class StageError(RuntimeError):
    """A stage cannot go on; the message says why and what to do."""
