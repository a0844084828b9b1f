"""The tables of docs/reference/parameters.md, from the models that check `params.yaml`.

`python -m tests.parameter_tables` writes them anew; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from pipelines.params import ScorecardParams
from tests.conftest import PROJECT
from training.families.parameters import PARAMETERS

PAGE = PROJECT / "docs" / "reference" / "parameters.md"
WORDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "array": "list", "null": "none"}


def tables() -> dict[str, str]:
    """Return each table by its name: `entry`, and the families."""
    entry = [
        f"| `{name}` | {_shown(field['default'])} | {field['description']} |"
        for name, field in _entry(ScorecardParams.model_json_schema())
    ]
    found = {"entry": "\n".join(["| key | default | meaning |", "| --- | --- | --- |", *entry])}
    for family, model in PARAMETERS.items():
        found[family] = "\n".join(
            ["| parameter | values | default | meaning |", "| --- | --- | --- | --- |", *_parameters(model)]
        )
    return found


def written() -> dict[str, str]:
    """Return the tables that the page has, by name."""
    text = PAGE.read_text()
    return dict(re.findall(r"<!-- table: (\w+) -->\n\n(\|.*?\|)\n\n", text, re.DOTALL))


def _entry(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key of an entry with its default and its meaning, nested ones with dots."""
    models = schema["$defs"]

    def fields(model: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, field in model["properties"].items():
            if "$ref" in field:
                yield from fields(models[field["$ref"].rpartition("/")[2]], f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", {"default": "must be given", **field}

    yield from fields(schema, "")


def _parameters(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_json_schema()["properties"].items():
        default = _shown(field.get("default", "must be given"))
        yield f"| `{name}` | {_values(field)} | {default} | {field['description']} |"


def _shown(default: Any) -> str:
    if default is None:
        return ""
    return (
        str(default).lower()
        if isinstance(default, bool)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )


def _values(schema: dict[str, Any]) -> str:
    """Return in words what a value may be."""
    if "anyOf" in schema:
        return " or ".join(_values(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    words = WORDS[schema["type"]]
    if schema["type"] == "array":
        return f"{words} of {_values(schema['items'])}"
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return " ".join([words, *(f"{word} {schema[rule]:g}" for rule, word in bounds.items() if rule in schema)])


def main() -> None:
    """Write the tables into the page."""
    text = PAGE.read_text()
    for name, table in tables().items():
        mark = f"<!-- table: {name} -->\n\n"
        before, found, after = text.partition(mark)
        assert found, name
        text = before + mark + table + "\n\n" + re.sub(r"\A(\|.*\n)*\n*", "", after)
    PAGE.write_text(text.rstrip() + "\n\n" if text.rstrip().endswith("|") else text)


if __name__ == "__main__":
    main()
