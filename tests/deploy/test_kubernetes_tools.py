"""Checkov judges the manifests, and so does the Prometheus operator's own schema of those of its kinds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT
from tests.deploy.manifests import KUBERNETES, OVERLAYS, Cluster, Manifest, render
from tests.needs import program

pytestmark = pytest.mark.slow


def checkov(cluster: Cluster, folder: Path) -> dict[str, Any]:
    """Its report on the manifests."""
    how = "python -m venv .checkov && .checkov/bin/pip install checkov"
    command = program("checkov", how, folder=f"{PROJECT}/.checkov/bin")
    path = folder / "manifests.yaml"
    path.write_text(yaml.safe_dump_all(cluster.manifests))
    done = subprocess.run(
        [command, "--file", str(path), "--framework", "kubernetes", "--skip-download", "--output", "json"],
        check=False,
        capture_output=True,
        text=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if report["summary"]["failed"] else 0)
    return report


# The canary's overlay holds production's.
@pytest.mark.parametrize("overlay", ["staging", "canary"])
def test_checkov_finds_nothing_that_is_not_justified_next_to_it(overlay: str, tmp_path: Path) -> None:
    report = checkov(Cluster(render(KUBERNETES / "overlays" / overlay)), tmp_path)
    results = report["results"]
    assert report["summary"]["parsing_errors"] == 0
    assert [(found["check_id"], found["resource"]) for found in results["failed_checks"]] == []
    assert report["summary"]["passed"] > 1000
    for skipped in results["skipped_checks"]:
        assert len(skipped["check_result"]["suppress_comment"].split()) > 5, skipped["resource"]


def test_checkov_finds_what_is_wrong(tmp_path: Path) -> None:
    cluster = Cluster(render(KUBERNETES / "overlays" / "staging" / "card_default"))
    cluster.servers()[0].pod["containers"][0]["securityContext"]["capabilities"] = {}
    report = checkov(cluster, tmp_path)
    assert "CKV_K8S_37" in {found["check_id"] for found in report["results"]["failed_checks"]}


def unknown_to_the_operator(monitor: Manifest) -> list[str]:
    """Return what is in a ServiceMonitor and not in its definition; fails as pydantic does where a type is wrong."""
    # So many models that the import takes seconds.
    from cloudcoil.models.prometheus_operator import v1

    # A model drops what it does not know.
    kept = v1.ServiceMonitor.model_validate(monitor).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return _missing(monitor, kept, "")


def _missing(given: Any, kept: Any, where: str) -> list[str]:
    if isinstance(given, dict):
        return [
            found
            for name, value in given.items()
            for found in (_missing(value, kept[name], f"{where}.{name}") if name in kept else [f"{where}.{name}"])
        ]
    if isinstance(given, list):
        return [found for one, other in zip(given, kept, strict=True) for found in _missing(one, other, where)]
    return [] if given == kept else [where]


def test_the_service_monitor_holds_the_operator_s_schema() -> None:
    for overlay in OVERLAYS:
        for monitor in Cluster(render(KUBERNETES / "overlays" / overlay)).of("ServiceMonitor"):
            assert unknown_to_the_operator(monitor) == []


def test_a_service_monitor_that_breaks_it_is_found() -> None:
    (monitor,) = Cluster(render(KUBERNETES / "namespace")).of("ServiceMonitor")
    monitor["spec"]["endpoints"][0]["prot"] = "http"
    assert unknown_to_the_operator(monitor) == [".spec.endpoints.prot"]
    monitor["spec"]["endpoints"][0]["interval"] = "15 seconds"
    with pytest.raises(ValueError, match="interval"):
        unknown_to_the_operator(monitor)
