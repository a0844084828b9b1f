"""Where a scenario takes place: the model, the applications, the size of it all, and its server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.chaos.callers import Traffic
from loadtests.client import Measurement, Plan, http_request, measure
from loadtests.served import Served, bento_home, fresh_journal, service_command
from loadtests.server import Command, Server, start
from loadtests.traffic import Values, batch_body
from scoring.scorecard import Scorecard


@dataclass(frozen=True)
class Sizes:
    """How long and how often.

    Attributes:
        kills: of the worker, and of the whole server, together.
        seconds: of load in a scenario that has no other measure.
        decisions: that are made and replayed.
        soak: seconds of the long run.
        callers: clients at once.
    """

    kills: int
    seconds: float
    decisions: int
    soak: float
    callers: int = 16


@dataclass(frozen=True)
class Outcome:
    """The result of a scenario: a row of the table."""

    what: str
    times: str
    expected: str
    seen: str
    sound: bool
    """Whether nothing was lost, doubled, changed, or answered as it should not be."""
    in_time: bool = True
    """Whether it was as quick as expected, which depends on the machine and what else it does."""

    @property
    def holds(self) -> bool:
        """Whether all that is expected was seen."""
        return self.sound and self.in_time


class Site:
    """A server that may be ended and started again, with one journal and one port."""

    def __init__(self, command: Command, journal: Path, logs: Path) -> None:
        self.journal = journal
        self._command = command
        self._logs = logs
        self._starts = 0
        self.server = self._start(None)

    @property
    def port(self) -> int:
        """The same for every start."""
        return self.server.port

    def restart(self) -> None:
        """Start the server anew, where the one before was."""
        self.server = self._start(self.port)

    def _start(self, port: int | None) -> Server:
        self._starts += 1
        server = start(self._command, self._logs.with_name(f"{self._logs.name}-{self._starts}.log"), port=port)
        try:
            server.wait_until_ready()
        except BaseException:
            server.kill()
            raise
        return server


@dataclass(frozen=True)
class Ground:
    """The surroundings of every scenario.

    Attributes:
        folder: for logs and, until a scenario ends, its journal.
        advance: told how much of a scenario is done, from 0 to 1.
    """

    served: Served
    scorecard: Scorecard
    applications: Sequence[Values]
    sizes: Sizes
    folder: Path
    advance: Callable[[float], None]

    @contextmanager
    def site(self, name: str, *, before: Sequence[str] = (), **settings: str) -> Iterator[Site]:
        """Run a ready server with a fresh journal, its command behind the words `before`."""
        with bento_home(self.served.store) as home, fresh_journal(self.folder) as journal:
            command = service_command(self.served, home, journal, **settings)
            command = replace(command, arguments=[*before, *command.arguments])
            site = Site(command, journal, self.folder / f"chaos-{name}")
            try:
                yield site
            finally:
                site.server.kill()

    def traffic(self, *, batch_share: float = 0.0, rows: int = 50, keyed_share: float = 0.0) -> Traffic:
        """Return requests about this ground's applications."""
        return Traffic(self.applications, batch_share=batch_share, rows=rows, keyed_share=keyed_share)

    def measured(
        self, site: Site, connections: int, seconds: float, *, rows: int = 1, pause: float = 0.0
    ) -> Measurement:
        """Measure load at this many connections, one application or `rows` of them in each request."""
        if rows == 1:
            bodies = [http_request("/predict", json.dumps(one).encode()) for one in self.applications]
        else:
            starts = range(0, len(self.applications), rows)
            bodies = [http_request("/predict_batch", batch_body(self.applications, rows, start)) for start in starts]
        return measure(Plan(site.port, bodies, connections, seconds, pause))
