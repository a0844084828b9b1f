"""Grafana's dashboards as code: `python -m deploy.monitoring.grafana` writes the JSON that Grafana reads."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.grafana import decisions, model_health, service

FOLDER = Path(__file__).with_name("dashboards")


def generated() -> dict[Path, str]:
    """Return the content of every dashboard's file, by its path."""
    built = [module.dashboard().build() for module in (service, decisions, model_health)]
    return {
        FOLDER / f"{made.uid}.json": json.dumps(made, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
        for made in built
    }
