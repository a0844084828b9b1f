"""Latency targets as data, and whether a run kept them."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtests.curves import Scenario, Shape

TARGETS_FILE = Path(__file__).with_name("targets.toml")

Milliseconds = Annotated[float, Field(gt=0)]


class TargetsError(ValueError):
    """The targets cannot be read, or there are none for a scenario and shape."""


class Target(BaseModel):
    """The limits that one scenario must keep under one shape; `targets.toml` explains each."""

    model_config = ConfigDict(extra="forbid")

    p50_ms: Milliseconds
    p95_ms: Milliseconds
    p99_ms: Milliseconds
    failure_share: Annotated[float, Field(ge=0, le=1)]
    minimum_rate: Annotated[float, Field(gt=0)]
    memory_growth_mib: Annotated[float | None, Field(gt=0)] = None

    def slower(self, factor: float) -> Target:
        """Return the same with latencies this many times as long."""
        return self.model_copy(update={name: getattr(self, name) * factor for name in ("p50_ms", "p95_ms", "p99_ms")})


class ScenarioTargets(BaseModel):
    """The load of one scenario, and its targets by shape."""

    model_config = ConfigDict(extra="forbid")

    users: Annotated[int, Field(gt=0)]
    requests_per_user: Annotated[float, Field(gt=0)]
    ramp: Target | None = None
    spike: Target | None = None
    soak: Target | None = None

    def target(self, shape: Shape) -> Target:
        """Return the target under this shape.

        Raises:
            TargetsError: there is none.
        """
        target: Target | None = getattr(self, shape.value)
        if target is None:
            raise TargetsError(f"there is no target for the shape {shape.value}")
        return target

    def slower(self, factor: float) -> ScenarioTargets:
        """Return the same load, its latencies this many times as long."""
        found = {shape.value: getattr(self, shape.value) for shape in Shape}
        return self.model_copy(update={name: target and target.slower(factor) for name, target in found.items()})


class Targets(BaseModel):
    """All targets."""

    model_config = ConfigDict(extra="forbid")

    single: ScenarioTargets | None = None
    batch: ScenarioTargets | None = None
    mixed: ScenarioTargets | None = None
    latency_factor: dict[str, Annotated[float, Field(gt=0)]] = {}
    """By scorecard; 1 for one that is not named."""

    @classmethod
    def read(cls, path: Path = TARGETS_FILE) -> Targets:
        """Read the targets in a TOML file.

        Raises:
            TargetsError: the file is missing or not what it should be.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise TargetsError(f"there is no file {path}") from None
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise TargetsError(f"{path}: {error}") from None

    def scenario(self, scenario: Scenario, scorecard: str) -> ScenarioTargets:
        """Return the load and the targets of one scenario, for one scorecard.

        Raises:
            TargetsError: there are none.
        """
        found: ScenarioTargets | None = getattr(self, scenario.value)
        if found is None:
            raise TargetsError(f"there are no targets for the scenario {scenario.value}")
        return found.slower(self.latency_factor.get(scorecard, 1.0))


@dataclass(frozen=True)
class Seen:
    """The measurements of a run. Latencies are milliseconds, the rate is requests per second.

    `memory_growth_mib` is None where the server's processes could not be watched.
    """

    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    rate: float
    memory_growth_mib: float | None = None

    @property
    def failure_share(self) -> float:
        """Failed requests of all; everything failed if nothing was sent."""
        return self.failures / self.requests if self.requests else 1.0


@dataclass(frozen=True)
class Finding:
    """One target, the figure it was held against, and whether it held; figure None was not measured."""

    name: str
    limit: float
    figure: float | None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure is on the right side of the limit or on it."""
        if self.figure is None:
            return True
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


def evaluate(target: Target, seen: Seen) -> list[Finding]:
    """Check each target against the figures of a run."""
    findings = [
        Finding("p50 ms", target.p50_ms, seen.p50_ms),
        Finding("p95 ms", target.p95_ms, seen.p95_ms),
        Finding("p99 ms", target.p99_ms, seen.p99_ms),
        Finding("failure share", target.failure_share, seen.failure_share),
        Finding("requests/s", target.minimum_rate, seen.rate, at_least=True),
    ]
    if target.memory_growth_mib is not None:
        findings.append(Finding("memory growth MiB", target.memory_growth_mib, seen.memory_growth_mib))
    return findings


def read_stats(path: Path, memory_growth_mib: float | None = None) -> Seen:
    """Read the figures of a run over all its requests from Locust's `_stats.csv`.

    Raises:
        TargetsError: the file is missing or has no line for all requests.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.DictReader(file) if line["Name"] == "Aggregated"]
    except (FileNotFoundError, KeyError):
        lines = []
    if not lines:
        raise TargetsError(f"{path} is not a result of Locust")
    total = lines[0]
    return Seen(
        requests=int(total["Request Count"]),
        failures=int(total["Failure Count"]),
        p50_ms=_milliseconds(total["50%"]),
        p95_ms=_milliseconds(total["95%"]),
        p99_ms=_milliseconds(total["99%"]),
        rate=float(total["Requests/s"]),
        memory_growth_mib=memory_growth_mib,
    )


def _milliseconds(text: str) -> float:
    # Locust writes N/A where nothing was answered.
    return float("inf") if text == "N/A" else float(text)
