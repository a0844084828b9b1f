"""Applications at the edges of what the contract lets through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoring.application import Application

CORNERS = 500
"""Applications with every field at a random edge; all 2^fields corners would be too many."""


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
