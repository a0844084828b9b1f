"""The manifests as a cluster would get them, and what is found in them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import PROJECT
from tests.needs import program

KUBERNETES = PROJECT / "deploy" / "kubernetes"
OVERLAYS = ("staging", "prod", "canary")

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    """Return what `kubectl apply -k` of the folder would send; fails as kubectl does."""
    # The repository's own do not change while tests run.
    text = _rendered(folder) if folder.is_relative_to(KUBERNETES) else _rendered.__wrapped__(folder)
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


@cache
def _rendered(folder: Path) -> str:
    command = [program("kubectl", ".ci/kubectl"), "kustomize", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Workload:
    """Something that makes pods: a StatefulSet, a Deployment or a CronJob."""

    manifest: Manifest

    @property
    def name(self) -> str:
        name: str = self.manifest["metadata"]["name"]
        return name

    @property
    def template(self) -> Manifest:
        spec = self.manifest["spec"]
        template: Manifest = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
        return template

    @property
    def pod(self) -> Manifest:
        """The pod's specification."""
        spec: Manifest = self.template["spec"]
        return spec

    @property
    def labels(self) -> dict[str, str]:
        """The pod's labels."""
        labels: dict[str, str] = self.template["metadata"]["labels"]
        return labels

    @property
    def containers(self) -> list[Manifest]:
        """All of them, those that run before the others first."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]


@dataclass(frozen=True)
class Cluster:
    """All manifests of one overlay."""

    manifests: list[Manifest]

    def copy(self) -> Cluster:
        """One to break."""
        return Cluster(deepcopy(self.manifests))

    def of(self, *kinds: str) -> list[Manifest]:
        """The manifests of these kinds."""
        return [manifest for manifest in self.manifests if manifest["kind"] in kinds]

    def one(self, kind: str, name: str) -> Manifest:
        """The manifest of that kind and name."""
        (found,) = [manifest for manifest in self.of(kind) if manifest["metadata"]["name"] == name]
        return found

    def workloads(self) -> list[Workload]:
        """Return the manifests that make pods."""
        return [Workload(manifest) for manifest in self.of("StatefulSet", "Deployment", "CronJob")]

    def servers(self) -> list[Workload]:
        """The workloads of the service itself."""
        return [Workload(manifest) for manifest in self.of("StatefulSet")]

    def containers(self) -> Iterator[tuple[Workload, Manifest]]:
        """Every container, with its workload."""
        for workload in self.workloads():
            for container in workload.containers:
                yield workload, container

    def environment(self, container: Manifest) -> dict[str, str]:
        """The container's variables; what comes from a Secret has a value that is made up."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            found |= self.one("ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in container.get("env", []):
            found[variable["name"]] = variable.get("value", "postgresql://somebody:something@somewhere/lending")
        return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector, of `matchLabels` and `matchExpressions`, selects these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", "another operator needs another line here"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def selected(cluster: Cluster, selector: Manifest, index: str | None = None) -> list[Workload]:
    """The workloads whose pods a selector selects; with an index only StatefulSets, whose pods have one."""
    if index is not None:
        numbered = {"apps.kubernetes.io/pod-index": index}
        return [server for server in cluster.servers() if selects(selector, server.labels | numbered)]
    return [workload for workload in cluster.workloads() if selects(selector, workload.labels)]


def port_names(workload: Workload) -> dict[str, int]:
    return {
        item["name"]: item["containerPort"] for container in workload.containers for item in container.get("ports", [])
    }


def paths(ingress: Manifest) -> list[Manifest]:
    return [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]


UNITS = {"m": 1e-3, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


def quantity(text: str) -> float:
    """A quantity of Kubernetes, in cores or bytes."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
