"""Ask a running service for what a first caller needs: `python -m deploy.delivery.smoke http://127.0.0.1:3000`.

It knows no scorecard: the application that it sends is the example of the service's own OpenAPI document. It is decided
and journaled like any other, under the name SMOKE_TEST, by which `scorebox journal erase --applicant` finds it.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any
from uuid import uuid4

import httpx

SMOKE_TEST = "smoke-test"
SECONDS = 10.0


class SmokeError(Exception):
    """The service did not do what it should."""


def smoke(url: str, version: str | None = None) -> str:
    """Ask for health, model, one decision, the same decision again under its key, and one refusal.

    Args:
        url: of the service.
        version: the model's, where it must be a certain one.

    Returns:
        The decision, in one line.

    Raises:
        SmokeError: something was not as it should be; the message names the route.
    """
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        _answer(client, "GET", "/health")
        model = _answer(client, "GET", "/model_info")
        if version is not None and model["version"] != version:
            raise SmokeError(f"GET /model_info: version {model['version']} serves instead of {version}")
        document = _answer(client, "GET", "/docs.json")
        example = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]

        name = f"{SMOKE_TEST}-{uuid4()}"
        headers = {"Applicant-ID": SMOKE_TEST, "X-Request-ID": name}
        if model["journal"] != "off":
            headers["Idempotency-Key"] = name
        first = _answer(client, "POST", "/predict", example, headers)
        _check_decision(first, model)
        if model["journal"] != "off":
            again = _answer(client, "POST", "/predict", example, headers)
            if again["decision_id"] != first["decision_id"]:
                raise SmokeError("POST /predict: the same request under the same key was decided twice")
        _answer(client, "POST", "/predict", {"unknown": 1}, {"X-Request-ID": f"{name}-wrong"}, status=422)
    return f"{first['model']} decided {first['decision_id']}: {first['decision']}, PD {first['pd']:.4f}"


def _answer(
    client: httpx.Client,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    status: int = 200,
) -> dict[str, Any]:
    route = f"{method} {path}"
    try:
        answer = client.request(method, path, json=body, headers=headers)
        if answer.status_code != status:
            raise SmokeError(f"{route}: {answer.status_code} instead of {status}: {answer.text[:500]}")
        if headers and answer.headers.get("X-Request-ID") != headers["X-Request-ID"]:
            raise SmokeError(f"{route}: the answer does not bear the request's id")
        content: dict[str, Any] = answer.json()
    except httpx.HTTPError as error:
        raise SmokeError(f"{route}: {error!r}") from None
    except ValueError:
        raise SmokeError(f"{route}: the answer is not JSON: {answer.text[:500]}") from None
    return content


def _check_decision(decision: dict[str, Any], model: dict[str, Any]) -> None:
    challenger = (model["challenger"] or {}).get("model")
    if decision["model"] not in {model["model"], challenger}:
        raise SmokeError(f"POST /predict: {decision['model']} decided, which GET /model_info does not name")
    if not 0 <= decision["pd"] <= 1:
        raise SmokeError(f"POST /predict: PD {decision['pd']}")
    expected = "decline" if decision["pd"] >= decision["cutoff"] else "approve"
    if (decision["decision"], decision["cutoff"]) != (expected, model["cutoff"]):
        raise SmokeError(
            f"POST /predict: {decision['decision']} at PD {decision['pd']} and cut-off {decision['cutoff']}, "
            f"where GET /model_info has {model['cutoff']}"
        )


def main() -> None:
    """Run the smoke test; end with exit code 1 and one line if something was wrong."""
    parser = argparse.ArgumentParser(description="Ask a running service for what a first caller needs.")
    parser.add_argument("url", help="of the service, e.g. http://127.0.0.1:3000")
    parser.add_argument("--version", help="the version of the model that must serve")
    given = parser.parse_args()
    try:
        found = smoke(given.url, given.version)
    except SmokeError as error:
        sys.exit(f"smoke test failed: {error}")
    sys.stdout.write(f"smoke test passed: {found}\n")


if __name__ == "__main__":
    main()
