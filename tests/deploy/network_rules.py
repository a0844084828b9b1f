"""Which connections the network policies of an overlay let through."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from tests.deploy.manifests import Cluster, Manifest, port_names, selected


def flows(cluster: Cluster) -> set[tuple[str, str, str, int]]:
    """Every connection that the policies let through: whose pods, in or out, the peer, the port."""
    found = set()
    for policy in cluster.of("NetworkPolicy"):
        spec = policy["spec"]
        whose = _whose(cluster, spec["podSelector"])
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                for peer in rule[peers]:
                    for item in rule["ports"]:
                        for who in whose:
                            found.add((who, direction, _peer(peer), _number(cluster, spec, direction, item["port"])))
    return found


def _whose(cluster: Cluster, selector: Manifest) -> set[str]:
    """The components that a selector selects all of, and the single workloads of others."""
    if not selector:
        return {"every pod"}
    chosen = selected(cluster, selector)
    found = set()
    for workload in chosen:
        component = workload.labels["app.kubernetes.io/component"]
        all_of_it = selected(cluster, {"matchLabels": {"app.kubernetes.io/component": component}})
        whole = all(one in chosen for one in all_of_it)
        found.add(component if whole else workload.name)
    return found


def denied_by_default(cluster: Cluster) -> bool:
    """Whether what no policy names is refused, for every pod and in both directions."""
    return any(
        policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        for policy in cluster.of("NetworkPolicy")
    )


def asked_for_names(cluster: Cluster, address: str) -> set[str]:
    """The protocols by which every pod may ask a DNS server at an address that is of no pod."""
    return {
        port["protocol"]
        for policy in cluster.of("NetworkPolicy")
        if not policy["spec"]["podSelector"]
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "ipBlock" in peer and ip_address(address) in ip_network(peer["ipBlock"]["cidr"])
        for port in rule["ports"]
        if port["port"] == 53
    }


def _peer(peer: Manifest) -> str:
    if "ipBlock" in peer:
        cidr: str = peer["ipBlock"]["cidr"]
        return cidr
    labels: dict[str, str] = {
        **{key: value for one in peer.values() for key, value in one.get("matchLabels", {}).items()},
        **{item["key"]: " ".join(item["values"]) for one in peer.values() for item in one.get("matchExpressions", [])},
    }
    assert labels, "an empty peer is everybody"
    if "app.kubernetes.io/component" in labels:
        return labels["app.kubernetes.io/component"]
    return labels["kubernetes.io/metadata.name"]


def _number(cluster: Cluster, spec: Manifest, direction: str, name: str | int) -> int:
    if isinstance(name, int):
        return name
    # A name is one of the pods that are connected to.
    selector = spec["podSelector"] if direction == "ingress" else spec["egress"][0]["to"][0]["podSelector"]
    (number,) = {port_names(workload)[name] for workload in selected(cluster, selector)}
    return number
