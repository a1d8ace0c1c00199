"""Checks what the shipped NetworkPolicies let through, read from the files."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"
TENANT = MANIFESTS / "components" / "tenant"
METADATA = ("169.254.169.254", "fd00:ec2::254")
"""The addresses at which a cloud hands out the credentials of its machines."""


def policies(path: Path) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item["spec"] for item in yaml.safe_load_all(path.read_text())}


def peers(spec: dict[str, Any], way: str) -> Iterator[dict[str, Any]]:
    """Yields the peers of a policy. Fails at a rule without any, which would let everything through."""
    for rule in spec.get(way, ()):
        found = rule["from" if way == "ingress" else "to"]
        assert found, rule
        yield from found


def lets_through(block: dict[str, Any], address: str) -> bool:
    def within(network: str) -> bool:
        return ip_address(address) in ip_network(network)

    return within(block["cidr"]) and not any(within(network) for network in block.get("except", ()))


@pytest.mark.parametrize("address", [*METADATA, "10.0.0.1", "172.20.0.1", "192.168.1.1", "100.64.0.1", "fe80::1"])
def test_a_tenants_pods_reach_neither_the_metadata_nor_the_clusters_addresses(address: str) -> None:
    specs = policies(TENANT / "egress.yaml").values()
    blocks = [peer["ipBlock"] for spec in specs for peer in peers(spec, "egress") if "ipBlock" in peer]
    assert any(lets_through(block, "93.184.215.14") for block in blocks), "nothing at all would pass"
    assert not any(lets_through(block, address) for block in blocks)


def test_a_tenants_pods_are_closed_in_both_directions() -> None:
    specs = {**policies(TENANT / "egress.yaml"), **policies(TENANT / "ingress.yaml")}
    assert all(spec["podSelector"] == {} for spec in specs.values()), "a pod could be left out"
    assert {way for spec in specs.values() for way in spec["policyTypes"]} == {"Ingress", "Egress"}
    for name, spec in specs.items():
        for way in ("ingress", "egress"):
            for peer in peers(spec, way):
                assert peer.get("namespaceSelector") != {}, f"{name} lets other tenants through"


def test_the_installations_own_pods_are_closed_but_for_what_is_named() -> None:
    specs = policies(MANIFESTS / "overlays/production/networkpolicy.yaml")
    assert specs.pop("modelyard-default") == {"podSelector": {}, "policyTypes": ["Ingress"]}
    selected = {spec["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for spec in specs.values()}
    assert selected == {"modelyard-operator", "modelyard-tracking"}
    for spec in specs.values():
        assert all(peer.keys() & {"podSelector", "namespaceSelector"} for peer in peers(spec, "ingress"))
        assert all(rule["ports"] == [{"port": "http", "protocol": "TCP"}] for rule in spec["ingress"])
    assert not any(peer.get("podSelector") is None for peer in peers(specs["modelyard-tracking"], "ingress"))
