"""Applications at the edges of what the contract lets through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from scoring.application import Application
from scoring.decision import Variant
from scoring.frames import thin_frame
from scoring.graph import Graph
from scoring.scorecard import Scorecard
from training.evaluation.metrics import PDs

CORNERS = 500
"""Applications with every field at a random edge; all 2^fields corners would be too many."""


class WithoutPD(BaseModel):
    """An application whose PD is not a probability."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    variant: Variant
    application: dict[str, Any]
    """Every field of a made-up application; of a test row the key."""
    pd: float

    def __str__(self) -> str:
        fields = ", ".join(f"{name} {value}" for name, value in self.application.items())
        return f"{self.variant} gives a PD of {self.pd:.9g} to {fields}"


def without_pd(
    scorecard: Scorecard, variant: Variant, graph: Graph, rows: pd.DataFrame, scores: PDs, seed: int
) -> list[WithoutPD]:
    """Return the test rows and the extreme applications that get no PD from 0 to 1.

    Args:
        scorecard: the product.
        variant: whose graph it is.
        graph: gives the PDs.
        rows: the test rows, with the key.
        scores: [rows], their PDs.
        seed: of the extreme applications' random mix.
    """
    applications = extreme_applications(scorecard.request_model(graph.columns), scorecard.example, seed)
    extreme = graph.score(thin_frame(scorecard, graph.columns).inputs(applications))
    keys = rows[scorecard.key].to_numpy()
    return [
        WithoutPD(variant=variant, application={scorecard.key: keys[row].item()}, pd=float(scores[row]))
        for row in np.flatnonzero(_is_no_pd(scores))
    ] + [
        WithoutPD(variant=variant, application=applications[row].model_dump(by_alias=True), pd=float(extreme[row]))
        for row in np.flatnonzero(_is_no_pd(extreme))
    ]


def _is_no_pd(scores: PDs) -> NDArray[np.bool_]:
    return ~((scores >= 0) & (scores <= 1))


def extreme_applications(application: type[Application], example: Mapping[str, Any], seed: int) -> list[Application]:
    """Return valid applications with one field at an edge of its rule, with all of them, and with a random mix.

    The edges come from the model's JSON schema: smallest, largest, every choice of text, and null
    where the model takes it.

    Args:
        application: the model that requests are validated with.
        example: a plain application; its values stand next to the one field that is at an edge.
        seed: of the random mix.
    """
    properties = application.model_json_schema(by_alias=True)["properties"]
    edges = {name: _edges(schema) for name, schema in properties.items()}
    plain = {name: value for name, value in example.items() if name in edges}
    bodies = [{name: values[0] for name, values in edges.items()}, {name: values[-1] for name, values in edges.items()}]
    bodies += [plain | {name: value} for name, values in edges.items() for value in values]
    generator = np.random.default_rng(seed)
    for _ in range(CORNERS):
        bodies.append({name: values[generator.integers(len(values))] for name, values in edges.items()})
    return [application.model_validate(body) for body in bodies]


def _edges(schema: Mapping[str, Any]) -> list[Any]:
    if "anyOf" in schema:
        return [edge for option in schema["anyOf"] for edge in _edges(option)]
    if "enum" in schema:
        return list(schema["enum"])
    if "const" in schema:
        return [schema["const"]]
    if schema["type"] == "null":
        return [None]
    return [schema["minimum"], schema["maximum"]]
