"""The seam to BentoML: the face in front of its application, its hooks, its errors."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any

from _bentoml_sdk import Service  # type: ignore[import-untyped]  # BentoML marks only its outer package as typed
from bentoml import use_arguments
from bentoml.exceptions import BentoMLException
from pydantic import BaseModel
from uuid_utils import uuid7

from scoring.journal.writer import Journal
from scoring.scorer import Caller
from serving import client_schema, hangup, openapi
from serving.access_log import AccessLog, log_as_json, standard_output
from serving.core import Core
from serving.dialects.routes import dialect_routes
from serving.drain import Drain
from serving.exchange import ASGIApp
from serving.face import Face
from serving.loop_lag import LoopLag
from serving.one_worker import WorkersError, require_one_worker
from serving.refusals import problem_for
from serving.routes import ROUTES, routes_of
from serving.settings import PREFIX
from serving.startup import StartError
from serving.tracing import tracing
from serving.warm import let_arrow_do_without_pandas
from serving.wire.limits import WireLimits


class BuiltFor(BaseModel):
    """The arguments of a build file: the scorecard that its Bento serves."""

    scorecard: str | None = None


def built_for() -> str | None:
    """Return the scorecard that the running Bento was built for, None outside a Bento."""
    return use_arguments(BuiltFor).scorecard


def started_in() -> Path:
    """Return the directory in which the user started the server.

    While BentoML imports the service of a Bento, the process is in the Bento's folder, and only BentoML knows where it
    was before.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "import_service" and (before := frame.f_locals.get("prev_cwd")):
            return Path(before)
        frame = frame.f_back
    return Path.cwd()


def hand_on_place(journal: Journal | None) -> None:
    """Tell the processes that this one starts where the journal is: they start in another directory."""
    if journal is not None:
        os.environ[f"{PREFIX}JOURNAL"] = str(journal.folder)


def behind_face(core: Core) -> type[Service[Any]]:
    """Return the class of Bento services whose whole application stands behind the face.

    As one of BentoML's middlewares the face would stand inside its tracing and its timeout, which
    cost as much as the face itself even where they have nothing to do.
    """
    writer = standard_output(core.metrics.count_dropped_lines)
    log_as_json(writer)

    class FacedService(Service[Any]):  # type: ignore[misc]  # untyped, see the import
        def to_asgi(self, is_main: bool = True) -> ASGIApp:
            # Only here: it brings the HTTP server along, which the parent process of `bentoml serve` does without.
            from serving.wire.install import UvicornError, install
            from serving.wire.records import WireRecords

            hangup.ignore()
            core.openapi = cache(self._document)
            access_log = AccessLog(writer) if core.settings.access_log else None
            limits = WireLimits(core.settings.client_timeout, core.settings.keep_alive)
            try:
                install(limits, WireRecords(core.metrics, access_log))
            except UvicornError as error:
                raise StartError(error) from None
            app = super().to_asgi(is_main)
            # Where there is a parent it has asked the same before it started this process.
            if _parent() is None:
                refuse_more_workers(self.name)
            return self.in_front(app, access_log)

        def in_front(self, app: ASGIApp, access_log: AccessLog | None) -> ASGIApp:
            """Return the face of BentoML's application."""
            routes = (*routes_of(pages=core.settings.pages), *dialect_routes(core))
            return Face(app, core, routes, access_log, tracing())

        def schema(self) -> dict[str, Any]:
            made: dict[str, Any] = super().schema()
            for route in made["routes"]:
                method = self.apis[route["name"]]
                route["input"] = client_schema.describe(method.input_spec)
                route["output"] = client_schema.describe(method.output_spec)
            return made

        def _document(self) -> bytes:
            return openapi.document(ROUTES, core, self.openapi_spec.asdict(), self.inner.__doc__ or "")

    return FacedService


def prepare_parent(service: str) -> None:
    """Prepare the process that starts those that answer: refuse several, and hand SIGHUP on.

    Raises:
        StartError: several are asked for.
    """
    refuse_more_workers(service)
    hangup.hand_on()


def refuse_more_workers(service: str) -> None:
    """End the process with one line if the server is to have several workers.

    Raises:
        StartError: it is.
    """
    try:
        require_one_worker(service)
    except WorkersError as error:
        raise StartError(error) from None


_STARTED_BY = os.getppid()
"""The parent at the beginning: loading takes time enough to lose it."""
_WORKER = "_bentoml_impl.worker.service"
"""The program of the processes that `bentoml serve` starts."""
SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter from one that waits for it. While threads read and score large batches, the
event loop waits this long at every turn; with Python's 5 ms, requests pile up unread."""


def start_process(core: Core) -> None:
    """Prepare the process that answers, once everything is loaded: open the journal, handle signals, watch the loop."""
    core.open()
    let_arrow_do_without_pandas()
    core.warm()
    sys.setswitchinterval(SWITCH_SECONDS)
    hangup.reload_on_hangup(core)
    Drain(core, core.settings.drain, _parent()).install()
    LoopLag(core.metrics.observe_loop_lag).start()
    # All that is loaded now stays, so the garbage collector need not visit it again: its pauses were the p99.
    gc.collect()
    gc.freeze()


def _parent() -> int | None:
    """Return the process of `bentoml serve` that started this one; None for a process that stands alone."""
    return _STARTED_BY if getattr(sys.modules["__main__"].__spec__, "name", None) == _WORKER else None


def anonymous_caller(core: Core) -> Caller:
    """Return a caller under a new request id: the typed methods know no headers."""
    return Caller(str(uuid7()), deadline=perf_counter() + core.settings.request_timeout)


@contextmanager
def as_bento_errors(core: Core) -> Iterator[None]:
    """Raise problems in the form that BentoML's typed methods answer with.

    Raises:
        BentoMLException: the service cannot decide, or the request breaks a rule.
    """
    try:
        yield
    except Exception as error:
        problem = problem_for(error, core.metrics)
        if problem is None:
            raise
        raise BentoMLException(str(problem), error_code=problem.status) from None
