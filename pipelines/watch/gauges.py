"""Prometheus gauges of a job that runs and ends: a file for node exporter's textfile collector, or a Pushgateway."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway

from scoring.files import write_atomically
from training.errors import StageError


def publish(registry: CollectorRegistry, path: Path, job: str, pushgateway: str | None) -> None:
    """Write the gauges to `path`, whole or not at all, and sends them to a Pushgateway if one is named.

    Args:
        registry: the gauges.
        path: ends with .prom, which the collector looks for.
        job: under which the gateway keeps them; they take the place of what the same job sent before.
        pushgateway: its address, such as http://localhost:9091.

    Raises:
        StageError: the gateway does not take them; the file is written.
    """
    write_atomically(path, generate_latest(registry))
    if pushgateway is None:
        return
    try:
        push_to_gateway(pushgateway, job=job, registry=registry)
    except (OSError, ValueError) as error:
        raise StageError(f"the Pushgateway at {pushgateway} does not take the gauges: {error}") from None
