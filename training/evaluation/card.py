"""The model card: one Markdown document, and the same as one HTML file with its plots inside.

The text is `templates/card.md.j2`. A card with a hole is no card: what is missing, empty or not a
number is an error that names the place.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from scoring.expected import DataError

SECTIONS = (
    "Purpose and intended use",
    "Out of scope",
    "Data",
    "Features",
    "Candidates",
    "Performance",
    "Calibration",
    "Reasons",
    "Fairness",
    "Gates",
    "Variants",
    "Limits and caveats",
    "Lineage",
)
NO_VALUE = re.compile(r"(?i)^(none|null|[+-]?inf%?|[-–]?)$|\bnan\b")
"""The text of a cell that nobody filled."""
NO_NUMBER = re.compile(r"(?i)\b(nan|inf)\b")
"""The text in a sentence whose figure is missing."""


def render(context: Mapping[str, Any]) -> str:
    """Return the card in Markdown.

    Raises:
        DataError: a name that the text uses is missing, a section or a table is empty, or a cell has no value.
    """
    try:
        text = environment().get_template("card.md.j2").render(context)
    except UndefinedError as error:
        raise DataError(f"the model card cannot be made: {error}") from None
    # Conditions and loops leave blank lines behind; inside a table they would end it.
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    check(text)
    return text


def page(text: str, folder: Path) -> str:
    """Return the card as one HTML file; the images that it names, from `folder`, are inside.

    Raises:
        DataError: an image is missing.
    """
    markdown = _markdown()
    tokens = markdown.parse(text)
    for token in tokens:
        for child in token.children or ():
            if child.type == "image":
                child.attrSet("src", _embedded(folder / str(child.attrGet("src"))))
    body = markdown.renderer.render(tokens, markdown.options, {})
    title = next(following.content for token, following in pairwise(tokens) if token.tag == "h1")
    template = environment(autoescape=True).get_template("card.html.j2")
    return template.render(title=title, body=Markup(body))  # noqa: S704 # escaped by markdown-it


def check(text: str) -> None:
    """Check that every section is there and says something, and that every table cell has a value.

    Raises:
        DataError: naming the section, and the row and column of the cell.
    """
    bodies = _sections(_markdown().parse(text))
    for section in SECTIONS:
        if section not in bodies:
            raise DataError(f"the model card has no section {section!r}")
    for section, tokens in bodies.items():
        texts = [token.content for token in tokens if token.type == "inline" and token.content.strip()]
        if not texts:
            raise DataError(f"the model card's section {section!r} is empty")
        _check_tables(section, tokens)
        if broken := next(filter(NO_NUMBER.search, texts), None):
            raise DataError(f"the model card's section {section!r} has a figure that is not a number: {broken!r}")


def _check_tables(section: str, tokens: Sequence[Token]) -> None:
    head: list[str] = []
    row: list[str] = []
    rows = 0
    for position, token in enumerate(tokens):
        match token.type:
            case "thead_open":
                head = []
                rows = 0
            case "th_open":
                head.append(tokens[position + 1].content)
            case "tr_open":
                row = []
            case "td_open":
                cell = tokens[position + 1].content.strip()
                if NO_VALUE.search(cell):
                    where = f"row {row[0] if row else rows + 1!r}, column {head[len(row)]!r}"
                    raise DataError(f"the model card's section {section!r} has no value in {where}: {cell!r}")
                row.append(cell)
                rows += len(row) == 1
            case "table_close" if rows == 0:
                raise DataError(f"the model card's section {section!r} has a table without rows: {', '.join(head)}")


def _sections(tokens: Sequence[Token]) -> dict[str, list[Token]]:
    """Return the tokens below each heading of the second level."""
    bodies: dict[str, list[Token]] = {}
    name = ""
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            name = tokens[position + 1].content if token.tag == "h2" else ""
            if name:
                bodies[name] = []
        elif name and tokens[position - 1].type != "heading_open":
            bodies[name].append(token)
    return bodies


def _embedded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"the model card's plot {path} is missing; run: scorebox report") from None
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _markdown() -> MarkdownIt:
    # HTML in a text is shown, not obeyed; images may be inside the page.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.validateLink = lambda url: url.startswith(("plots/", "data:image/png"))  # type: ignore[method-assign]
    return markdown


def environment(package: str = "training.evaluation", *, autoescape: bool = False) -> Environment:
    """Return the templates of a package with their filters; HTML pages escape what goes in, Markdown does not."""
    made = Environment(  # most of it is Markdown
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=autoescape,  # noqa: S701 # Markdown goes in as it is
    )
    made.filters |= {
        "cell": lambda value: str(value).replace("|", r"\|").replace("\n", " "),
        "words": lambda name: name.replace("_", " "),
        "figure": lambda value: f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}",
        "decimal": lambda value: f"{value:.4f}",
        "share": lambda value: f"{value:.1%}",
        "count": lambda value: f"{value:,}",
        "verdict": lambda holds: "holds" if holds else "FAILS",
        "parameters": lambda values: (
            ", ".join(f"{name} {json.dumps(value)}" for name, value in values.items()) or "the family's own"
        ),
    }
    return made
