"""Describe the typed methods to BentoML's clients, which read and write values by `/schema.json`.

BentoML keeps the first alternative of each union: a list that may be null is promised as a list, and its client
fails on the null. Here every alternative stays, and the client leaves such a value as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_REFERENCE = "#/$defs/"


def describe(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model, with a copy of each definition where it is used: clients follow no `$ref`."""
    schema = model.model_json_schema()
    described: dict[str, Any] = _with_definitions(schema, schema.pop("$defs", {}))
    return described


def _with_definitions(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_with_definitions(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {name: _with_definitions(item, definitions) for name, item in schema.items() if name != "$ref"}
    if "$ref" not in schema:
        return own
    return _with_definitions(definitions[schema["$ref"].removeprefix(_REFERENCE)], definitions) | own
