"""Names in manifests exist in the code: each rule gives the faults that it finds, none if all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scoring.scorecards import load, names
from serving import metric_series
from serving.dialects.routes import DOCUMENT
from serving.routes import ASSETS, EVERY_ROUTE
from serving.settings import PREFIX, Settings
from tests.conftest import PROJECT
from tests.deploy.command_line import COMMAND, called, option_variables, refused
from tests.deploy.manifests import Cluster, Manifest, Workload, paths, port_names, selected

OTHERS = {"BENTOML_HOST", "BENTOML_HOME", "BENTOML_DO_NOT_TRACK", "HOME"}
"""Variables that are not Scorebox's own; docs/reference/reference.md names BentoML's."""
CLOSED = {"/metrics", "/reload", "/outcomes", "/api/reload-model"}
"""Routes that no caller outside may reach."""
PAGE_FILES = {route.path for route in ASSETS}
"""Routes that may be opened together, by the folder that they are in."""


def routes() -> set[str]:
    """The routes that the face answers."""
    dialects = [dialect for name in names() for dialect in load(name).dialects]
    paths = {dialect.prefix + path for dialect in dialects for path in (*dialect.paths.values(), DOCUMENT)}
    return {route.path for route in EVERY_ROUTE} | paths


def metric_names() -> set[str]:
    """The metrics of the service and of the commands that watch."""
    sources = [Path(metric_series.__file__), *(PROJECT / "pipelines").rglob("*.py")]
    return {name for source in sources for name in re.findall(r'"(scorebox_\w+)"', source.read_text())}


def port() -> int:
    """The port that service.py says."""
    found = re.search(r'http=\{.*"port": (\d+)', (PROJECT / "service.py").read_text())
    assert found
    return int(found[1])


def wrong_settings(cluster: Cluster) -> Iterator[str]:
    """Variables that nothing reads, and values that the service refuses."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for workload, container in cluster.containers():
        where = f"{workload.name}, {container['name']}"
        variables = cluster.environment(container)
        # The service's own container has no command: its image does.
        read = known | OTHERS | (option_variables() if "command" in container else set())
        yield from [f"{where}: nothing reads {name}" for name in variables if name not in read]
        given = {name.removeprefix(PREFIX).lower(): value for name, value in variables.items() if name in known}
        try:
            settings = Settings(**given)  # type: ignore[arg-type]  # texts, as from an environment
        except ValidationError as error:
            yield from [f"{where}: {item['loc']}: {item['msg']}" for item in error.errors()]
            continue
        if given and settings.scorecard not in names():
            yield f"{where}: there is no scorecard {settings.scorecard}"


def wrong_ports(cluster: Cluster) -> Iterator[str]:
    """Ports that the service does not listen on, and names that no container or Service has."""
    for server in cluster.servers():
        found = [item["containerPort"] for item in server.pod["containers"][0]["ports"]]
        if found != [port()]:
            yield f"{server.name}: ports {found}, but service.py listens on {port()}"
    for workload, container in cluster.containers():
        have = {item["name"] for item in container.get("ports", [])}
        for probe in _probes(container):
            if probe["httpGet"]["port"] not in have:
                yield f"{workload.name}: a probe asks port {probe['httpGet']['port']}"
    for service in cluster.of("Service"):
        for workload in selected(cluster, {"matchLabels": service["spec"]["selector"]}):
            for item in service["spec"]["ports"]:
                if item["targetPort"] not in port_names(workload):
                    yield f"Service {service['metadata']['name']}: {workload.name} has no {item['targetPort']}"
                elif item["port"] != port_names(workload)[item["targetPort"]]:
                    yield f"Service {service['metadata']['name']}: {item['port']} is not the container's port"
    for ingress in cluster.of("Ingress"):
        for path in paths(ingress):
            backend = path["backend"]["service"]
            services = [item for item in cluster.of("Service") if item["metadata"]["name"] == backend["name"]]
            if not any(
                item["name"] == backend["port"]["name"] for found in services for item in found["spec"]["ports"]
            ):
                yield f"Ingress {ingress['metadata']['name']}: no Service {backend}"
    for policy in cluster.of("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            for workload in selected(cluster, policy["spec"]["podSelector"]):
                for item in rule["ports"]:
                    if item["port"] not in port_names(workload):
                        yield f"NetworkPolicy {policy['metadata']['name']}: {workload.name} has no {item}"


def wrong_paths(cluster: Cluster) -> Iterator[str]:
    """Paths that nothing answers, and routes open to callers that must not be."""
    for workload, container in cluster.containers():
        answered = routes() if workload in cluster.servers() else _nginx_paths(cluster, workload)
        for probe in _probes(container):
            if probe["httpGet"]["path"] not in answered:
                yield f"{workload.name}: nothing answers the probe of {probe['httpGet']['path']}"
    for monitor in cluster.of("ServiceMonitor"):
        yield from [
            f"ServiceMonitor: {at['path']}" for at in monitor["spec"]["endpoints"] if at["path"] not in routes()
        ]
    for ingress in cluster.of("Ingress"):
        name = ingress["metadata"]["name"]
        for path in paths(ingress):
            below = {route for route in routes() if route.startswith(f"{path['path']}/")}
            if path["path"] not in routes() - CLOSED and not (below and path["pathType"] == "Prefix"):
                yield f"Ingress {name}: {path['path']} is no route that callers may reach"
            if path["pathType"] != "Exact" and not (below and below <= PAGE_FILES):
                yield f"Ingress {name}: {path['path']} opens what is below it too"


def wrong_metrics(cluster: Cluster) -> Iterator[str]:
    """Metrics that nothing exposes."""
    texts = [text for text in _texts(cluster.manifests) if "@sha256:" not in text]  # images have such names too
    named = {word for text in texts for word in re.findall(r"\bscorebox_[a-z0-9_]+", text)}
    suffixes = r"_(bucket|sum|count)$"
    yield from (name for name in sorted(named) if re.sub(suffixes, "", name) not in metric_names())


def wrong_commands(cluster: Cluster) -> Iterator[str]:
    """Commands that the command line refuses."""
    for workload, container in cluster.containers():
        environment = cluster.environment(container)
        command = [expanded(word, environment) for word in container.get("command", [])]
        calls = [command]
        if command[:2] == ["/bin/sh", "-c"]:
            calls = called(command, environment)
        elif command[:3] != COMMAND:
            continue
        for call in calls:
            if call and (fault := refused(call, environment)):
                yield f"{workload.name}, {container['name']}: {fault}"


def _probes(container: Manifest) -> list[Manifest]:
    return [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in container]


def _nginx_paths(cluster: Cluster, workload: Workload) -> set[str]:
    names = {volume["configMap"]["name"] for volume in workload.pod["volumes"] if "configMap" in volume}
    texts = [cluster.one("ConfigMap", name)["data"].get("nginx.conf", "") for name in names]
    return {path for text in texts for path in re.findall(r"location = (\S+)", text)}


def expanded(word: str, environment: dict[str, str]) -> str:
    """A word of a manifest's command, with the variables that Kubernetes puts in."""
    return re.sub(r"\$\((\w+)\)", lambda found: environment.get(found[1], found[0]), word)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)
