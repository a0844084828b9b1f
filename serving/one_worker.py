"""Refuses a server of several workers: one has the journal, the batches, the metrics and the models."""

from __future__ import annotations

import os

import click
from bentoml._internal.configuration.containers import BentoMLContainer
from click.core import ParameterSource

_OPTION, _VARIABLE = "api_workers", "BENTOML_API_WORKERS"


class WorkersError(ValueError):
    """The server is to have more workers than one; the message says where, and how to scale."""


def require_one_worker(service: str) -> None:
    """Refuse any other number of workers than one, wherever the user of `bentoml serve` or of an image asks for it.

    Args:
        service: the name under which BentoML's configuration has it.

    Raises:
        WorkersError: somebody does.
    """
    config = BentoMLContainer.config.services[service].get()
    for where, asked in (_by_option(), (f"BentoML's configuration, services.{service}.workers,", config["workers"])):
        if asked is not None and str(asked) != "1":
            raise WorkersError(
                f"{where} asks for {asked} workers, and a server has one: to scale, start more servers behind one "
                "address, each with a port, a journal and a BENTOML_HOME of its own"
            )


def _by_option() -> tuple[str, object]:
    """Return how many workers the command line or the environment asks for, and where; BentoML ignores both."""
    context = click.get_current_context(silent=True)
    if context is None or _OPTION not in context.params:
        return _VARIABLE, os.environ.get(_VARIABLE) or None
    given = context.get_parameter_source(_OPTION)
    if given is ParameterSource.COMMANDLINE:
        return "--api-workers", context.params[_OPTION]
    return _VARIABLE, context.params[_OPTION] if given is ParameterSource.ENVIRONMENT else None
