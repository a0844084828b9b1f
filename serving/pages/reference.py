"""Prepare the OpenAPI document for reading: operations by tag, and the fields of every model as rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

_BOUNDS = {
    "minimum": "from {}", "maximum": "to {}", "exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {}",
    "maxItems": "at most {}", "pattern": "like {}",
}  # fmt: skip


def reference(document: Document) -> dict[str, Any]:
    """Return what the template of the reference is filled in with.

    Args:
        document: OpenAPI 3.1, as `serving.openapi` makes it.
    """
    operations = [
        {"method": method.upper(), "path": path, "id": operation["operationId"], **_operation(operation)}
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return {
        "title": document["info"]["title"],
        "version": document["info"]["version"],
        "description": document["info"]["description"],
        "tags": [
            {**tag, "operations": [one for one in operations if tag["name"] in one["tags"]]} for tag in document["tags"]
        ],
        "models": [
            {"name": name, "description": schema.get("description", ""), "rows": list(_rows(schema))}
            for name, schema in sorted(document["components"]["schemas"].items())
        ],
    }


def _operation(operation: Document) -> Document:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "tags": operation["tags"],
        "summary": operation["summary"],
        "needs_token": "security" in operation,
        "parameters": [
            {"name": one["name"], "place": one["in"], "type": _type(one["schema"]), "description": one["description"]}
            for one in operation["parameters"]
        ],
        "bodies": [_content(media_type, content) for media_type, content in body.items()],
        "answers": [
            {
                "status": status,
                "description": answer["description"],
                "content": [_content(media_type, content) for media_type, content in answer["content"].items()],
            }
            for status, answer in operation["responses"].items()
        ],
    }


def _content(media_type: str, content: Document) -> Document:
    example = content.get("example")
    return {
        "media_type": media_type,
        "model": _model(content["schema"]),
        "type": _type(content["schema"]),
        "example": None if example is None else json.dumps(example, indent=2, ensure_ascii=False),
    }


def _rows(schema: Document) -> Iterator[Document]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        yield {
            "name": name,
            "type": _type(field),
            "models": sorted(_models(field)),
            "required": name in required,
            "description": field.get("description", ""),
        }


def _model(schema: Document) -> str:
    """Return the name of the model that a schema refers to; empty if it is none."""
    name: str = schema.get("$ref", "").rpartition("/")[2]
    return name


def _models(schema: Document) -> set[str]:
    """Return the names of all models that a schema refers to."""
    nested = [*schema.get("anyOf", []), *(schema[key] for key in ("items", "additionalProperties") if key in schema)]
    found = {_model(schema)} - {""}
    return found.union(*(_models(one) for one in nested if isinstance(one, dict)))


def _type(schema: Document) -> str:
    """Return a schema in words, such as `integer, from 0 to 9 or null`."""
    if name := _model(schema):
        return name
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    bounds = " ".join(text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema)
    kind = schema.get("format", schema.get("type", "any"))
    if kind == "array":
        kind = f"list of {_type(schema.get('items', {}))}"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        kind = f"object of {_type(schema['additionalProperties'])}"
    return f"{kind}, {bounds}" if bounds else str(kind)
