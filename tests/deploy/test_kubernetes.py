"""The manifests of every overlay hold what docs/how-to/kubernetes.md and the code say; and each check can fail."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from scoring.scorecards import names
from tests.conftest import PROJECT
from tests.deploy import named_rules, shape_rules
from tests.deploy.command_line import COMMAND
from tests.deploy.manifests import KUBERNETES, OVERLAYS, Cluster, Manifest, render
from tests.deploy.network_rules import asked_for_names, denied_by_default, flows

NEWEST = "1.37"
VERSIONS = (pytest.param("1.35", marks=pytest.mark.slow), pytest.param("1.36", marks=pytest.mark.slow), NEWEST)
"""The three that Kubernetes supports: kubernetes.io/releases."""
CUSTOM = {"ServiceMonitor"}
"""Kinds of the Prometheus operator; tests/deploy/test_kubernetes_tools.py has its schema."""
DOCUMENT = PROJECT / "docs" / "how-to" / "kubernetes.md"

Rule = Callable[[Cluster], Iterator[str]]
RULES: tuple[Rule, ...] = (
    named_rules.wrong_settings,
    named_rules.wrong_ports,
    named_rules.wrong_paths,
    named_rules.wrong_metrics,
    named_rules.wrong_commands,
    shape_rules.wrong_resources,
    shape_rules.too_short_a_grace,
    shape_rules.idle_connections_that_the_server_closes_first,
    shape_rules.wrong_selectors,
    shape_rules.missing_parts,
    shape_rules.too_many_rights,
    shape_rules.wrong_limits,
)


@cache
def rendered(overlay: str) -> Cluster:
    return Cluster(render(KUBERNETES / "overlays" / overlay))


def refused_by_schemas(cluster: Cluster, version: str) -> Iterator[str]:
    """Return what a version's schemas refuse; a kind that they do not know is refused as well."""
    for manifest in cluster.manifests:
        if manifest["kind"] in CUSTOM:
            continue
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{where}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{where}: {error.message}"


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_holds_the_strict_schemas(overlay: str, version: str) -> None:
    assert list(refused_by_schemas(rendered(overlay), version)) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_overlay_holds_every_rule(overlay: str, rule: Rule) -> None:
    assert list(rule(rendered(overlay))) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_scorecard_is_served_in_every_overlay(overlay: str) -> None:
    served = [rendered(overlay).environment(server.containers[-1]) for server in rendered(overlay).servers()]
    assert {environment["SCOREBOX_SCORECARD"] for environment in served} == set(names())
    assert {path.name for path in (KUBERNETES / "components").iterdir()} == {*names(), "policy"}


NETWORKS_OF_NAMES = ("169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "34.118.224.0/20")
LISTED = {
    ("every pod", "egress", "kube-system", 53),
    *(("every pod", "egress", network, 53) for network in NETWORKS_OF_NAMES),
    ("server", "ingress", "nginx-ingress", 3000),
    ("server", "ingress", "monitoring", 3000),
    ("server", "egress", "postgresql", 5432),
    ("journal", "egress", "postgresql", 5432),
    ("drift", "egress", "monitoring", 9091),
    ("performance", "egress", "monitoring", 9091),
    ("history", "egress", "redis", 6379),
    ("home-credit-server", "egress", "redis", 6379),
}
SPLIT = {
    ("splitter", "ingress", "nginx-ingress", 8080),
    ("splitter", "egress", "server", 3000),
    ("card-default-server", "ingress", "splitter", 3000),
    ("card-default-server-canary", "ingress", "splitter", 3000),
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_network_lets_exactly_what_is_listed_through(overlay: str) -> None:
    assert denied_by_default(rendered(overlay))
    listed = LISTED | (SPLIT if overlay == "canary" else set())
    assert flows(rendered(overlay)) == listed
    document = DOCUMENT.read_text()
    for name, direction, peer, port in listed:
        who = re.sub(r"^(home-credit|card-default)-(\w+?)(-canary)?$", r"\2", name)
        row = re.compile(
            rf"^\| {who}\b.*\| {'from' if direction == 'ingress' else 'to'} `{peer}`.*\b{port}\b", re.MULTILINE
        )
        assert row.search(document), (name, direction, peer, port)


@pytest.mark.parametrize(
    "address",
    ["169.254.20.10", "169.254.25.10", "10.96.0.10", "172.20.0.10", "192.168.0.10", "34.118.224.10"],
    ids=["cache", "Kubespray's", "kubeadm's Service", "EKS's", "a private one", "GKE's"],
)
def test_a_dns_cache_on_the_node_is_reached_and_no_server_outside_is(address: str) -> None:
    assert asked_for_names(rendered("prod"), address) == {"UDP", "TCP"}
    assert asked_for_names(rendered("prod"), "9.9.9.9") == set()


def test_pods_that_answer_names_are_reached_by_their_labels() -> None:
    (policy,) = [item for item in rendered("prod").of("NetworkPolicy") if item["metadata"]["name"] == "dns"]
    (rule,) = policy["spec"]["egress"]
    (chosen,) = [peer["podSelector"]["matchExpressions"] for peer in rule["to"] if "podSelector" in peer]
    assert chosen == [{"key": "k8s-app", "operator": "In", "values": ["kube-dns", "node-local-dns"]}]


def test_secrets_and_certificates_are_named_never_held_and_documented() -> None:
    cluster = rendered("canary")
    assert not cluster.of("Secret")
    text = yaml.safe_dump_all(cluster.manifests)
    named = set(re.findall(r"secretKeyRef:\n\s+key: \S+\n\s+name: (\S+)", text)) | set(
        re.findall(r"secretName: (\S+)", text)
    )
    assert named == {"scorebox-database", "scorebox-reload", "scorebox-history", "scorebox-tls"}
    for name in named:
        assert f"`{name}`" in DOCUMENT.read_text()


def test_names_of_other_teams_are_documented() -> None:
    for name in ("registry.example", "scorebox.example", "nginx-ingress", "monitoring", "postgresql", "redis"):
        assert f"`{name}`" in DOCUMENT.read_text(), name


def test_what_the_documented_commands_name_is_there() -> None:
    document, cluster = DOCUMENT.read_text(), rendered("canary")
    there = {(item["kind"].lower(), item["metadata"]["name"]) for item in cluster.manifests}
    named = set(re.findall(r"\b(statefulset|cronjob)/([\w-]+)", document))
    assert {kind for kind, _ in named} == {"statefulset", "cronjob"}
    assert named <= there
    assert set(re.findall(r"-k deploy/kubernetes/overlays/(\w+)", document)) == set(OVERLAYS)
    kinds = re.search(r"kubectl delete (\S+) -n scorebox -l track=canary", document)
    assert kinds
    labels = [(item["kind"].lower(), item["metadata"].get("labels", {})) for item in cluster.manifests]
    guests = {kind for kind, found in labels if found.get("track") == "canary"}
    # What holds nothing may stay, and what holds decisions must.
    assert guests - {"configmap", "serviceaccount"} == set(kinds[1].split(","))


def test_an_overlay_that_names_a_missing_file_does_not_render(tmp_path: Path) -> None:
    copy = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    (copy / "base" / "scaling.yaml").unlink()
    with pytest.raises(subprocess.CalledProcessError):
        render(copy / "overlays" / "prod")


def test_a_policy_of_the_overlay_s_own_is_mounted_and_rolls_the_pods(tmp_path: Path) -> None:
    copy = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    folder = copy / "overlays" / "prod" / "card_default"
    written = folder / "kustomization.yaml"
    lines = re.search(r"```yaml\n(components:.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert lines
    kustomization = yaml.safe_load(written.read_text()) | yaml.safe_load(lines[1])
    written.write_text(yaml.safe_dump(kustomization))
    mounted = set()
    for content in ("{}", '{"cutoff": 0.2}'):
        (folder / "policy.json").write_text(content)
        cluster = Cluster(render(copy / "overlays" / "prod"))
        assert [fault for rule in RULES for fault in rule(cluster)] == []
        (server,) = [found for found in cluster.servers() if found.name == "card-default-server"]
        assert cluster.environment(server.containers[-1])["SCOREBOX_POLICY"] == "/policy/policy.json"
        (volume,) = [item for item in server.pod["volumes"] if item["name"] == "policy"]
        assert cluster.one("ConfigMap", volume["configMap"]["name"])["data"] == {"policy.json": content}
        mounted.add(volume["configMap"]["name"])
    assert len(mounted) == 2


def server(cluster: Cluster) -> Manifest:
    found: Manifest = cluster.one("StatefulSet", "card-default-server")["spec"]["template"]["spec"]
    return found


def settings(cluster: Cluster) -> Manifest:
    name = server(cluster)["containers"][0]["envFrom"][0]["configMapRef"]["name"]
    found: Manifest = cluster.one("ConfigMap", name)["data"]
    return found


def job(cluster: Cluster, name: str) -> Manifest:
    found: Manifest = cluster.one("CronJob", f"card-default-{name}")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


def ingress(cluster: Cluster) -> Manifest:
    return cluster.one("Ingress", "card-default-server")


def path_of(cluster: Cluster) -> Manifest:
    found: Manifest = ingress(cluster)["spec"]["rules"][0]["http"]["paths"][0]
    return found


Break = Callable[[Cluster], object]
BREAKS: tuple[tuple[str, Rule, Break], ...] = (
    ("a misspelt setting", named_rules.wrong_settings, lambda c: settings(c).update(SCOREBOX_DRIAN="5")),
    ("a wrong value", named_rules.wrong_settings, lambda c: settings(c).update(SCOREBOX_DRAIN="soon")),
    ("no such scorecard", named_rules.wrong_settings, lambda c: settings(c).update(SCOREBOX_SCORECARD="car_default")),
    (
        "a setting of a command for the server",
        named_rules.wrong_settings,
        lambda c: server(c)["containers"][0]["env"].append({"name": "SCOREBOX_PUSHGATEWAY", "value": "x"}),
    ),
    (
        "a container's port",
        named_rules.wrong_ports,
        lambda c: server(c)["containers"][0]["ports"][0].update(containerPort=8000),
    ),
    (
        "a probe's port",
        named_rules.wrong_ports,
        lambda c: server(c)["containers"][0]["livenessProbe"]["httpGet"].update(port="https"),
    ),
    (
        "a Service's port",
        named_rules.wrong_ports,
        lambda c: c.one("Service", "card-default-server")["spec"]["ports"][0].update(targetPort="web"),
    ),
    (
        "an Ingress to no Service",
        named_rules.wrong_ports,
        lambda c: path_of(c)["backend"]["service"].update(name="card-default"),
    ),
    (
        "a policy's port",
        named_rules.wrong_ports,
        lambda c: c.one("NetworkPolicy", "server")["spec"]["ingress"][0]["ports"][0].update(port="htpp"),
    ),
    (
        "a probe's path",
        named_rules.wrong_paths,
        lambda c: server(c)["containers"][0]["readinessProbe"]["httpGet"].update(path="/ready"),
    ),
    (
        "a path of the monitor",
        named_rules.wrong_paths,
        lambda c: c.of("ServiceMonitor")[0]["spec"]["endpoints"][0].update(path="/metric"),
    ),
    ("an open /metrics", named_rules.wrong_paths, lambda c: path_of(c).update(path="/metrics")),
    ("a path that opens others", named_rules.wrong_paths, lambda c: path_of(c).update(pathType="Prefix")),
    (
        "a metric",
        named_rules.wrong_metrics,
        lambda c: ingress(c)["metadata"]["annotations"].update(note="scorebox_queue_wait_second_bucket"),
    ),
    (
        "a command",
        named_rules.wrong_commands,
        lambda c: job(c, "journal")["containers"][0].update(command=[*COMMAND, "journal", "verfy", "card_default"]),
    ),
    (
        "an option",
        named_rules.wrong_commands,
        lambda c: job(c, "journal")["initContainers"][0]["command"].append("--folow"),
    ),
    (
        "an option inside a shell's words",
        named_rules.wrong_commands,
        lambda c: job(c, "drift")["containers"][0].update(
            command=["/bin/sh", "-c", "python -m pipelines.cli drift card_default -x"]
        ),
    ),
    (
        "an argument",
        named_rules.wrong_commands,
        lambda c: job(c, "performance")["containers"][0]["command"].__setitem__(4, "$(SCOREBOX_SCORECARDS)"),
    ),
    (
        "a request over its limit",
        shape_rules.wrong_resources,
        lambda c: server(c)["containers"][0]["resources"]["requests"].update(memory="2Gi"),
    ),
    (
        "no limit",
        shape_rules.wrong_resources,
        lambda c: server(c)["initContainers"][0]["resources"]["limits"].pop("memory"),
    ),
    ("a short grace", shape_rules.too_short_a_grace, lambda c: server(c).update(terminationGracePeriodSeconds=30)),
    ("a longer drain", shape_rules.too_short_a_grace, lambda c: settings(c).update(SCOREBOX_DRAIN="30")),
    ("no preStop", shape_rules.too_short_a_grace, lambda c: server(c)["containers"][0].pop("lifecycle")),
    (
        "nginx's own time for idle connections",
        shape_rules.idle_connections_that_the_server_closes_first,
        lambda c: settings(c).update({"nginx.conf": "upstream stable { keepalive 64; }"}),
    ),
    (
        "a server that closes idle connections first",
        shape_rules.idle_connections_that_the_server_closes_first,
        lambda c: settings(c).update(
            {"nginx.conf": "upstream stable { keepalive_timeout 60s; }", "SCOREBOX_KEEP_ALIVE": "60"}
        ),
    ),
    (
        "a patient server",
        shape_rules.too_short_a_grace,
        lambda c: settings(c).update(SCOREBOX_CLIENT_TIMEOUT="60"),
    ),
    (
        "a Service of two workloads",
        shape_rules.wrong_selectors,
        lambda c: c.one("Service", "card-default-server")["spec"]["selector"].pop("app.kubernetes.io/instance"),
    ),
    (
        "a budget of nothing",
        shape_rules.wrong_selectors,
        lambda c: c.of("PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"].update(track="none"),
    ),
    (
        "a job near another's pod",
        shape_rules.wrong_selectors,
        lambda c: job(c, "drift")["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0][
            "labelSelector"
        ]["matchLabels"].update({"app.kubernetes.io/instance": "german-credit"}),
    ),
    (
        "an autoscaler of nothing",
        shape_rules.wrong_selectors,
        lambda c: c.one("HorizontalPodAutoscaler", "card-default-server")["spec"]["scaleTargetRef"].update(name="x"),
    ),
    (
        "replicas next to an autoscaler",
        shape_rules.wrong_selectors,
        lambda c: c.one("StatefulSet", "card-default-server")["spec"].update(replicas=1),
    ),
    (
        "a monitor that misses a server",
        shape_rules.wrong_selectors,
        lambda c: c.one("Service", "card-default-server")["metadata"]["labels"].update({"app.kubernetes.io/name": "x"}),
    ),
    (
        "a missing ConfigMap",
        shape_rules.missing_parts,
        lambda c: server(c)["volumes"][-1]["configMap"].update(name="shipper"),
    ),
    (
        "a missing claim",
        shape_rules.missing_parts,
        lambda c: job(c, "drift")["volumes"][0]["persistentVolumeClaim"].update(claimName="journal-server-0"),
    ),
    (
        "a volume that nobody mounts",
        shape_rules.missing_parts,
        lambda c: server(c)["volumes"].append({"name": "more", "emptyDir": {}}),
    ),
    ("service links", shape_rules.too_many_rights, lambda c: server(c).pop("enableServiceLinks")),
    ("another user", shape_rules.too_many_rights, lambda c: server(c)["securityContext"].update(runAsUser=0)),
    (
        "a root file system to write to",
        shape_rules.too_many_rights,
        lambda c: server(c)["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    (
        "an image by tag",
        shape_rules.too_many_rights,
        lambda c: server(c)["containers"][0].update(image="registry.example/scorebox_card_default:latest"),
    ),
    (
        "a small body limit",
        shape_rules.wrong_limits,
        lambda c: ingress(c)["metadata"]["annotations"].update({"nginx.org/client-max-body-size": "1m"}),
    ),
    (
        "no limit of the rate",
        shape_rules.wrong_limits,
        lambda c: ingress(c)["metadata"]["annotations"].pop("nginx.org/limit-req-rate"),
    ),
    ("a host without TLS", shape_rules.wrong_limits, lambda c: ingress(c)["spec"]["rules"][0].update(host="x.example")),
)


@pytest.mark.parametrize(("rule", "damage"), [entry[1:] for entry in BREAKS], ids=[entry[0] for entry in BREAKS])
def test_each_rule_finds_what_breaks_it(rule: Rule, damage: Break) -> None:
    cluster = rendered("prod").copy()
    damage(cluster)
    assert list(rule(cluster))


def test_every_rule_is_broken_somewhere() -> None:
    assert {rule for _, rule, _ in BREAKS} == set(RULES)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: server(c).update(terminationGracePeriod=60),
        lambda c: server(c)["containers"][0].update(ports="3000"),
        lambda c: c.of("PodDisruptionBudget")[0].update(apiVersion="policy/v1beta1"),
        lambda c: c.of("Ingress")[0].update(kind="Ingres"),
    ],
    ids=["an unknown field", "a wrong type", "a version that is gone", "an unknown kind"],
)
def test_the_schemas_refuse(damage: Break) -> None:
    prod = rendered("prod")
    few = [prod.one("StatefulSet", "card-default-server"), prod.of("PodDisruptionBudget")[0], prod.of("Ingress")[0]]
    cluster = Cluster(few).copy()
    damage(cluster)
    assert len(list(refused_by_schemas(cluster, NEWEST))) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.one("NetworkPolicy", "server")["spec"]["ingress"].append(
            {
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}],
                "ports": [{"port": "http"}],
            }
        ),
        lambda c: c.one("NetworkPolicy", "watch")["spec"].update(egress=[]),
    ],
    ids=["a connection more", "one less"],
)
def test_a_change_of_the_network_shows(damage: Break) -> None:
    cluster = rendered("prod").copy()
    damage(cluster)
    assert flows(cluster) != LISTED


def test_a_missing_default_shows() -> None:
    cluster = rendered("prod").copy()
    cluster.manifests.remove(cluster.one("NetworkPolicy", "default-deny"))
    assert not denied_by_default(cluster)
