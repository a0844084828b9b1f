"""The curves as Locust's load shapes. Only Locust's own process may import this."""

from __future__ import annotations

from typing import ClassVar

from locust import LoadTestShape

from loadtests import curves
from loadtests.settings import LoadSettings

SETTINGS = LoadSettings()


class _Curve(LoadTestShape):
    abstract: ClassVar[bool] = True
    shape: ClassVar[curves.Shape]

    def tick(self) -> tuple[int, float] | None:
        """Return the users now, and how many may start per second; None ends the run."""
        elapsed: float = self.get_run_time()  # type: ignore[no-untyped-call]  # Locust has no annotation here
        users = curves.users_at(self.shape, elapsed, SETTINGS.seconds, SETTINGS.users)
        return None if users is None else (users, float(SETTINGS.users))


class Ramp(_Curve):
    """Users are added evenly up to the peak, which is then held."""

    shape = curves.Shape.RAMP


class Spike(_Curve):
    """A quarter of the peak, then all at once the peak, then a quarter again."""

    shape = curves.Shape.SPIKE


class Soak(_Curve):
    """Half of the peak, for as long as the run lasts."""

    shape = curves.Shape.SOAK


SHAPES: dict[curves.Shape, type[_Curve]] = {one.shape: one for one in (Ramp, Spike, Soak)}
