"""Make the OpenAPI document from the table of routes and BentoML's document of the typed methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from scoring.application import Application
from scoring.decision import Decision
from serving.batches import Batch
from serving.core import Core
from serving.outcomes import OutcomeBatch
from serving.payloads import BatchDecisions
from serving.problems import PROBLEM_JSON, Problem
from serving.routes import ANY_REQUEST, Content, Parameter, Route

_TAGS = [
    {"name": "Decisions", "description": "Decide, explain, and learn what became of a decision"},
    {"name": "Service", "description": "What serves, and how it is"},
]
_REFERENCE = "#/components/schemas/{model}"

OwnModels = Mapping[type, type[BaseModel]]


def document(
    routes: Sequence[Route],
    core: Core,
    bento: dict[str, Any],
    description: str,
    *,
    title: str | None = None,
    server: str = ".",
) -> bytes:
    """Return the document for this scorecard, as JSON.

    Args:
        routes: the table.
        core: the service of this scorecard.
        bento: BentoML's document; its operations keep their ids, which the clients use.
        description: of the service.
        title: of the document; the scorecard's by default.
        server: the address of the service, relative to the document.
    """
    own = _own_models(core)
    documented = [route for route in routes if route.documented]
    _, schemas = models_json_schema(
        list(dict.fromkeys(_models(documented, own))),
        ref_template=_REFERENCE,
        schema_generator=GenerateJsonSchema,
    )
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": title or core.scorecard.title,
            "version": core.model_info.version,
            "description": description,
        },
        # Relative to the document, so that it holds behind a proxy's prefix too.
        "servers": [{"url": server, "description": "this service"}],
        "tags": _TAGS,
        "paths": {
            route.path: {
                method: _operation(
                    route, own, dict(core.scorecard.example), bento["paths"].get(route.path, {}).get(method, {})
                )
            }
            for route in documented
            for method in [route.methods[0].lower()]
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return orjson.dumps(made)


def _own_models(core: Core) -> OwnModels:
    """Return the scorecard's own models by those that stand for them in the table."""
    return {
        Application: core.application,
        Batch: core.batch,
        Decision: core.decision,
        BatchDecisions: core.batch_decisions,
        OutcomeBatch: core.outcome_batch,
    }


def _models(routes: Sequence[Route], own: OwnModels) -> Iterator[tuple[type[BaseModel], JsonSchemaMode]]:
    for route in routes:
        bodies = [body.content for body in route.bodies.values()]
        modes: tuple[tuple[JsonSchemaMode, Sequence[Content]], ...] = (
            ("validation", bodies),
            ("serialization", list(route.answers.values())),
        )
        for mode, contents in modes:
            for content in contents:
                model = own.get(content, content)
                if issubclass(model, BaseModel):
                    yield model, mode
    yield Problem, "serialization"


def _operation(route: Route, own: OwnModels, application: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """Return a route's operation: what BentoML says of its typed method, if it has one, completed from the table."""
    decides, serves = (tag["name"] for tag in _TAGS)
    operation = {
        "operationId": route.path.strip("/").replace("/", "_"),
        **(typed if "x-bentoml-name" in typed else {}),
        "tags": [decides if route.bodies else serves],
        "summary": route.summary,
    }
    if route.bodies:
        content: dict[str, Any] = {}
        for media_type, body in route.bodies.items():
            described = content[media_type.decode()] = {"schema": _schema(body.content, own)}
            if body.example is not None:
                described["example"] = body.example(application)
        operation["requestBody"] = {"required": True, "content": content}
    if route.needs_token:
        operation["security"] = [{"token": []}]
    answer = {media_type.decode(): {"schema": _schema(content, own)} for media_type, content in route.answers.items()}
    operation["responses"] = {"200": {"description": "The answer.", "content": answer}} | {
        str(status): _refusal(reason, own) for status, reason in sorted(route.refused.items())
    }
    operation["parameters"] = [_parameter(parameter) for parameter in (*ANY_REQUEST, *route.parameters)]
    return operation


def _schema(content: Content, own: OwnModels) -> dict[str, Any]:
    if issubclass(content, bytes):
        return {"type": "string", "format": "binary"}
    if issubclass(content, str):
        return {"type": "string"}
    return {"$ref": _REFERENCE.format(model=own.get(content, content).__name__)}


def _refusal(reason: str, own: OwnModels) -> dict[str, Any]:
    return {"description": reason, "content": {PROBLEM_JSON.decode(): {"schema": _schema(Problem, own)}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": parameter.schema,
    }
