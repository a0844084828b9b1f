"""The seam to BentoML: the face before its application, its hooks, its errors."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from _bentoml_sdk import Service  # type: ignore[import-untyped]  # BentoML marks only its outer package as typed
from bentoml import use_arguments
from bentoml.exceptions import BentoMLException
from pydantic import BaseModel
from uuid_utils import uuid7

from scoring.scorer import Caller
from serving import openapi
from serving.access_log import standard_output, use_json
from serving.core import Core
from serving.drain import Drain
from serving.exchange import ASGIApp
from serving.face import Face
from serving.loop_lag import LoopLag
from serving.problems import ProblemError
from serving.tracing import tracing


class BuiltFor(BaseModel):
    """The arguments of a build file: the scorecard that its Bento serves."""

    scorecard: str | None = None


def built_for() -> str | None:
    """The scorecard that the running Bento was built for."""
    return use_arguments(BuiltFor).scorecard


def behind_face(core: Core) -> type[Service[Any]]:
    """The kind of Bento service whose whole application stands behind the face.

    As one of BentoML's middlewares the face would stand inside its tracing and its timeout, which
    cost as much as the face itself even where they have nothing to do.
    """
    use_json()

    class FacedService(Service[Any]):  # type: ignore[misc]  # untyped, see the import
        def to_asgi(self, is_main: bool = True) -> ASGIApp:
            return Face(
                super().to_asgi(is_main),
                core,
                lambda: openapi.document(core, self.openapi_spec.asdict(), self.inner.__doc__ or ""),
                standard_output() if core.settings.access_log else None,
                tracing(),
            )

    return FacedService


SWITCH_SECONDS = 0.0005
"""For so long a thread keeps the interpreter from one that waits for it. Beside threads that read and score large
batches the event loop waits this long at every turn, and with Python's 5 ms requests pile up unread."""


def started(core: Core) -> None:
    """What a server process does once, when everything is loaded."""
    core.open()
    sys.setswitchinterval(SWITCH_SECONDS)
    Drain(core, core.settings.drain).install()
    LoopLag(core.metrics.loop_was_late).start()
    # What is here now stays, so the garbage collector need not look at it again: its pauses were the p99.
    gc.collect()
    gc.freeze()


def unnamed() -> Caller:
    """A caller of whom the typed methods know nothing."""
    return Caller(str(uuid7()))


@contextmanager
def as_bento_errors() -> Iterator[None]:
    """Problems in the form that BentoML's typed methods answer with."""
    try:
        yield
    except ProblemError as problem:
        raise BentoMLException(str(problem), error_code=problem.status) from None
