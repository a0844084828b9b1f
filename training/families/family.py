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
        """Return the log-odds of each row, [rows]."""
        ...

    def save(self, directory: Path) -> None:
        """Write the model into an existing directory, in the family's own format."""
        ...

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return a graph from `features` to `log_odds` = slope * log-odds + intercept."""
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
        """Fit on all rows given, each with its weight in the loss; what stops a fit early is held out from them."""
        ...


@dataclass(frozen=True)
class Family:
    """One kind of model."""

    name: str
    """That of its file; `params.yaml` names it."""
    fit: Fit
    load: Callable[[Path], Model]
    libraries: tuple[str, ...]
    """Distributions that fit and export it; a model's record and its card list their versions."""
    takes_missing: bool
    """Whether features may be NaN: its trees have a way for them, the same in the library and in the graph."""
    has_int8: bool
    """Whether its graph has layers that eight bits can hold; a tree ensemble has none."""


def float32_at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 not above each threshold: it sends every float32 feature to the same side."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
