"""The page that says, to a person who lends, whether applications are still what the model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.monitoring.drift import WATCH

DRAWN = 6
"""Features whose bins are drawn, those with the largest PSI."""


def render(status: Mapping[str, Any], report: str | None) -> str:
    """Return one HTML file without anything from elsewhere.

    Args:
        status: the members of `pipelines.watch.drift.DriftReport`.
        report: the name of Evidently's page next to it; None if there is none.
    """
    environment = Environment(
        loader=PackageLoader("training.monitoring"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": lambda value: f"{value:.1%}",
        "count": lambda value: f"{value:,}",
        "psi": lambda value: f"{value:.3f}",
        "moment": lambda value: value[:16].replace("T", " "),
    }
    return environment.get_template("drift.html.j2").render(status=status, report=report, drawn=DRAWN, watch=WATCH)
