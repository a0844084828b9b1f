"""Define what every model family offers: fitting, log-odds, files without pickle, and ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

LOG_ODDS = "log_odds"
"""Output of a model's graph, [rows, 1] float32."""

Features = NDArray[np.float32]
"""[rows, features] float32, from the front graph."""
Labels = NDArray[np.int64]
"""[rows], 1 for a default."""

Weights = NDArray[np.float64]
"""[rows], above 0."""

Progress = Callable[[str], None]
"""Told in a few words what a long fit is doing."""


class Model(Protocol):
    """A fitted model: features to log-odds of default, not yet calibrated."""

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """The log-odds of each row, [rows]."""
        ...

    def save(self, directory: Path) -> None:
        """Writes the model into an existing directory, in the family's own format."""
        ...

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """A graph from `features` to `log_odds` = slope * log-odds + intercept."""
        ...


class Fit(Protocol):
    """Fits a model of one family; the same arguments give the same model."""

    def __call__(
        self,
        features: Features,
        labels: Labels,
        parameters: Mapping[str, Any],
        seed: int,
        weights: Weights | None = None,
    ) -> Model:
        """Fits on all rows given, each with its weight in the loss; what stops a fit early is held out from them."""
        ...


@dataclass(frozen=True)
class Family:
    """One kind of model."""

    name: str
    fit: Fit
    load: Callable[[Path], Model]
    takes_missing: bool = False
    """Whether features may be NaN: its trees have a way for them, the same in the library and in the graph."""


def float32_at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above each threshold: of float32 features, the same go to either side of it."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
