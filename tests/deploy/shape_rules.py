"""How the parts of an overlay fit together: each rule gives the faults that it finds, none if all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator

from serving.settings import Settings
from tests.deploy.manifests import Cluster, Workload, quantity, selected, selects

USER = 1034
LAST_COPY = 20
"""Seconds that ship.sh gives the shipper when the server has ended."""


def wrong_resources(cluster: Cluster) -> Iterator[str]:
    """Containers without requests or limits, or that request more than they may have."""
    for workload, container in cluster.containers():
        for what in ("cpu", "memory"):
            resources = container.get("resources", {})
            request, limit = (resources.get(kind, {}).get(what) for kind in ("requests", "limits"))
            if request is None or limit is None:
                yield f"{workload.name}, {container['name']}: no request or limit of {what}"
            elif quantity(str(request)) > quantity(str(limit)):
                yield f"{workload.name}, {container['name']}: {what} {request} is over the limit {limit}"


def too_short_a_grace(cluster: Cluster) -> Iterator[str]:
    """Servers that would be killed before they have answered and their journal is copied."""
    for server in cluster.servers():
        container = server.pod["containers"][0]
        given = cluster.environment(container)
        drain = float(given.get("SCOREBOX_DRAIN", Settings.model_fields["drain"].default))
        timeout = float(given.get("SCOREBOX_REQUEST_TIMEOUT", Settings.model_fields["request_timeout"].default))
        wait = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        client = float(given.get("SCOREBOX_CLIENT_TIMEOUT", Settings.model_fields["client_timeout"].default))
        needed = wait + drain + timeout + client + LAST_COPY
        if not wait:
            yield f"{server.name}: no delay before SIGTERM"
        if server.pod["terminationGracePeriodSeconds"] <= needed:
            yield f"{server.name}: {server.pod['terminationGracePeriodSeconds']} s, but it needs {needed:g} s"


def idle_connections_that_the_server_closes_first(cluster: Cluster) -> Iterator[str]:
    """Proxies that keep idle connections to a server as long as the server does, or longer."""
    kept = [
        float(cluster.environment(server.pod["containers"][0]).get("SCOREBOX_KEEP_ALIVE", 0))
        or Settings.model_fields["keep_alive"].default
        for server in cluster.servers()
    ]
    for config in cluster.of("ConfigMap"):
        for name, upstream in re.findall(r"upstream (\w+) \{(.*?)\}", config["data"].get("nginx.conf", ""), re.DOTALL):
            found = re.search(r"keepalive_timeout (\d+)s;", upstream)
            if found is None or int(found[1]) >= min(kept):
                yield f"upstream {name}: nginx must close idle connections within less than {min(kept):g} s"


def wrong_selectors(cluster: Cluster) -> Iterator[str]:
    """Selectors that select nothing, or what is another's."""
    for workload in cluster.workloads():
        own = workload.manifest["spec"].get("selector")
        if own is not None and [found.name for found in selected(cluster, own)] != [workload.name]:
            yield f"{workload.name}: its selector does not select its own pods and no others"
        for spread in workload.pod.get("topologySpreadConstraints", []):
            if [found.name for found in selected(cluster, spread["labelSelector"])] != [workload.name]:
                yield f"{workload.name}: its spread does not count its own pods and no others"
        affinity = workload.pod.get("affinity", {}).get("podAffinity", {})
        for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution", []):
            near = selected(cluster, term["labelSelector"], index="0")
            claims = _claims(workload)
            if len(near) != 1 or f"journal-{near[0].name}-0" not in claims:
                yield f"{workload.name}: it is drawn to {[found.name for found in near]} but mounts {claims}"
    for kind in ("Service", "PodDisruptionBudget"):
        for manifest in cluster.of(kind):
            selector = manifest["spec"]["selector"]
            found = selected(cluster, selector if "matchLabels" in selector else {"matchLabels": selector})
            if len(found) != 1:
                yield f"{kind} {manifest['metadata']['name']}: selects {[item.name for item in found]}"
    for policy in cluster.of("NetworkPolicy"):
        if not selected(cluster, policy["spec"]["podSelector"]):
            yield f"NetworkPolicy {policy['metadata']['name']}: selects no pods"
    for scaler in cluster.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]["name"]
        scaled = [server for server in cluster.servers() if server.name == target]
        metered = {metric["containerResource"]["container"] for metric in scaler["spec"]["metrics"]}
        if not scaled or not metered <= {container["name"] for container in scaled[0].containers}:
            yield f"HorizontalPodAutoscaler {scaler['metadata']['name']}: no {target} with {metered}"
        elif "replicas" in scaled[0].manifest["spec"]:
            yield f"{target}: its replicas are set here and by the autoscaler"
    for monitor in cluster.of("ServiceMonitor"):
        watched = [
            selected(cluster, {"matchLabels": service["spec"]["selector"]})[0].name
            for service in cluster.of("Service")
            if selects(monitor["spec"]["selector"], service["metadata"].get("labels", {}))
        ]
        if sorted(watched) != sorted(server.name for server in cluster.servers()):
            yield f"ServiceMonitor: watches {watched}"


def missing_parts(cluster: Cluster) -> Iterator[str]:
    """ConfigMaps, accounts, claims and volumes that are named and not there."""
    there = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in cluster.manifests}
    there |= {
        ("PersistentVolumeClaim", f"{claim['metadata']['name']}-{server.name}-0")
        for server in cluster.servers()
        for claim in server.manifest["spec"]["volumeClaimTemplates"]
    }
    for workload in cluster.workloads():
        volumes = workload.pod.get("volumes", [])
        named = {("ServiceAccount", workload.pod["serviceAccountName"])}
        named |= {("ConfigMap", volume["configMap"]["name"]) for volume in volumes if "configMap" in volume}
        named |= {("PersistentVolumeClaim", claim) for claim in _claims(workload)}
        if "serviceName" in workload.manifest["spec"]:
            named.add(("Service", workload.manifest["spec"]["serviceName"]))
        yield from [f"{workload.name}: there is no {kind} {name}" for kind, name in sorted(named - there)]
        have = {volume["name"] for volume in volumes}
        have |= {claim["metadata"]["name"] for claim in workload.manifest["spec"].get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for container in workload.containers for mount in container.get("volumeMounts", [])}
        yield from [f"{workload.name}: the volumes {have} are not those mounted, {mounted}"] if have != mounted else []


def too_many_rights(cluster: Cluster) -> Iterator[str]:
    """Pods that could do more than they need."""
    for workload in cluster.workloads():
        pod, context = workload.pod, workload.pod.get("securityContext", {})
        wanted = {
            "enableServiceLinks": pod.get("enableServiceLinks") is False,
            "automountServiceAccountToken": pod.get("automountServiceAccountToken") is False,
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser": context.get("runAsUser", 0) == USER or workload.manifest["kind"] == "Deployment",
            "seccompProfile": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "hostNetwork": not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
            "hostPath": not any("hostPath" in volume for volume in pod.get("volumes", [])),
        }
        for container in workload.containers:
            own = container.get("securityContext", {})
            wanted |= {
                f"{container['name']}: allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
                f"{container['name']}: readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
                f"{container['name']}: capabilities": own.get("capabilities") == {"drop": ["ALL"]},
                f"{container['name']}: image by digest": re.search(r"@sha256:[0-9a-f]{64}$", container["image"]),
            }
        yield from [f"{workload.name}: {what}" for what, holds in wanted.items() if not holds]


def wrong_limits(cluster: Cluster) -> Iterator[str]:
    """Limits of bodies at the door that are not the service's largest, and doors without a limit of the rate."""
    largest = Settings.model_fields["max_arrow_bytes"].default
    wanted = f"{largest >> 20}m"
    for ingress in cluster.of("Ingress"):
        name, annotations = ingress["metadata"]["name"], ingress["metadata"]["annotations"]
        if annotations.get("nginx.org/client-max-body-size") != wanted:
            yield f"Ingress {name}: the largest body that the service takes is {wanted}"
        if annotations.get("nginx.org/limit-req-reject-code") != "429" or "nginx.org/limit-req-rate" not in annotations:
            yield f"Ingress {name}: no limit of the rate"
        if not all(rule["host"] in ingress["spec"]["tls"][0]["hosts"] for rule in ingress["spec"]["rules"]):
            yield f"Ingress {name}: a host without TLS"
    for config in cluster.of("ConfigMap"):
        conf = config["data"].get("nginx.conf")
        if conf is not None and f"client_max_body_size {wanted};" not in conf:
            yield f"{config['metadata']['name']}: the largest body that the service takes is {wanted}"


def _claims(workload: Workload) -> list[str]:
    volumes = workload.pod.get("volumes", [])
    return [item["persistentVolumeClaim"]["claimName"] for item in volumes if "persistentVolumeClaim" in item]
