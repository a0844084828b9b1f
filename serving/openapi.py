"""The OpenAPI document: BentoML's own, completed to what the service really answers."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from serving.core import Core
from serving.outcomes import OutcomesTaken
from serving.payloads import Explanation, Health, ModelInfo, Reloaded
from serving.problems import Problem

_REFERENCE = "#/components/schemas/{model}"

_REFUSALS = {
    400: "The body is empty, or not of its type.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    409: "The `Idempotency-Key` stands for another request.",
    415: "The body is of another type, or coded.",
    422: "The body breaks the contract; `errors` names field and rule.",
    503: "The service is overloaded or shutting down, the journal takes no records, or the history store does not "
    "answer; "
    "`Retry-After` says when to come back.",
    504: "The request was not answered in time.",
}
_ANY_REQUEST = {405: "The path takes other methods; `Allow` names them.", 500: "An error of the service."}

_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "names the request in the answer and the log; replaced if it is longer than 128 characters "
    "or holds others than letters, digits and ._:/+=@-",
    "schema": {"type": "string"},
}
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9._:/+=@-]{1,128}$"}
_CALLER = [
    {
        "name": "reasons",
        "in": "query",
        "description": "all: the contribution of every reason group, for approvals too",
        "schema": {"const": "all", "type": "string"},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "the same request under it gets the same decisions, once in the journal; for 24 hours at least",
        "schema": _NAME,
    },
    {
        "name": "Applicant-ID",
        "in": "header",
        "description": "the caller's name for the applicant, kept in the journal",
        "schema": _NAME,
    },
]
_TRACEPARENT = {
    "name": "traceparent",
    "in": "header",
    "description": "W3C Trace Context; its trace id goes to the log",
    "schema": {"type": "string"},
}


def document(core: Core, bento: dict[str, Any], description: str) -> bytes:
    """The document for this scorecard.

    Args:
        core: what is served.
        bento: BentoML's document; its operations keep their ids, which the clients use.
        description: of the service.
    """
    batch = core.batch
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (core.application, "validation"),
        (batch, "validation"),
        (core.decision, "serialization"),
        (core.batch_decisions, "serialization"),
        (core.outcome_batch, "validation"),
        *((model, "serialization") for model in (ModelInfo, Explanation, OutcomesTaken, Health, Reloaded, Problem)),
    ]
    _, schemas = models_json_schema(models, ref_template=_REFERENCE, schema_generator=GenerateJsonSchema)
    document = copy.deepcopy(bento)
    document["openapi"] = "3.1.0"
    document["info"] = {
        "title": core.scorecard.title,
        "version": core.model_info.version,
        "description": description,
    }
    document["components"] = {"schemas": schemas["$defs"]}
    example = dict(core.scorecard.example)
    paths = document["paths"]
    paths["/predict"]["post"] |= {
        "summary": "Decide one application",
        "requestBody": _body({"application/json": _content(core.application, example)}),
        "responses": _responses({"application/json": _content(core.decision)}, _REFUSALS),
    }
    arrow = {"application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}}}
    paths["/predict_batch"]["post"] |= {
        "summary": "Decide many applications",
        "requestBody": _body({"application/json": _content(batch, {"applications": [example]}), **arrow}),
        "responses": _responses({"application/json": _content(core.batch_decisions), **arrow}, _REFUSALS),
    }
    paths["/explain"]["post"] |= {
        "summary": "Explain how an application would be decided, and what would change it",
        "requestBody": _body({"application/json": _content(core.application, example)}),
        "responses": _responses({"application/json": _content(Explanation)}, _REFUSALS),
    }
    outcome = {"decision_id": "01a1fbe2-5569-7462-838c-3f9e536b1092", "defaulted": 0, "observed_on": "2027-11-21"}
    paths["/outcomes"]["post"] |= {
        "summary": "Attach matured outcomes to decisions",
        "requestBody": _body({"application/json": _content(core.outcome_batch, {"outcomes": [outcome]})}),
        "responses": _responses({"application/json": _content(OutcomesTaken)}, _REFUSALS),
    }
    paths["/reload"] = {
        "post": {
            "operationId": "reload",
            "summary": "Take up newly promoted models and policies",
            "tags": ["Service APIs"],
            "security": [{"token": []}],
            "responses": _responses(
                {"application/json": _content(Reloaded)},
                {401: "The token is missing or wrong.", 409: "Nothing was reloaded; `detail` says why."},
            ),
        }
    }
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    paths["/model_info"] = _get("model_info", "What serves", {"application/json": _content(ModelInfo)})
    paths["/health"] = _get("health", "Whether the service takes requests", {"application/json": _content(Health)})
    paths["/health"]["get"]["responses"]["503"] = _refusal("The service is shutting down.")
    for path in ("/livez", "/healthz", "/readyz", "/metrics"):
        paths[path]["get"]["operationId"] = path.strip("/")
        paths[path]["get"]["responses"] = _responses({"text/plain": {"schema": {"type": "string"}}}, {})
    paths["/readyz"]["get"]["responses"]["503"] = _refusal("The service is shutting down.")
    for item in paths.values():
        for operation in item.values():
            operation["parameters"] = [_REQUEST_ID, _TRACEPARENT]
    for path in ("/predict", "/predict_batch"):
        paths[path]["post"]["parameters"] += _CALLER
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)


def _content(model: type[BaseModel], example: dict[str, Any] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}
    if example is not None:
        content["example"] = example
    return content


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": content}


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": _content(Problem)}}


def _responses(content: dict[str, Any], refusals: dict[int, str]) -> dict[str, Any]:
    answers: dict[str, Any] = {"200": {"description": "The answer.", "content": content}}
    for status, description in sorted((refusals | _ANY_REQUEST).items()):
        answers[str(status)] = _refusal(description)
    return answers


def _get(name: str, summary: str, content: dict[str, Any]) -> dict[str, Any]:
    operation = {
        "operationId": name,
        "summary": summary,
        "tags": ["Service APIs"],
        "responses": _responses(content, {}),
    }
    return {"get": operation}
