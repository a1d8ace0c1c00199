"""Tells whether the cluster leads a Service's address to pods."""

from __future__ import annotations

import re
from collections import defaultdict

from tests.localcluster import engine, kind

_RULE = re.compile(
    r'^-A KUBE-SERVICES -d ([\d.]+)/32 -p tcp .*--comment "([^": ]+)[^"]*" .*--dport (\d+) -j KUBE-SVC-', re.M
)
_Led = tuple[str, str, int]
"""A Service as namespace/name, its cluster IP, and a port."""
_led: dict[str, set[_Led]] = defaultdict(set)
"""Cluster -> what kube-proxy was seen to lead to pods there."""


def is_led(cluster: str, service: str, address: tuple[str, int]) -> bool:
    """Returns whether kube-proxy leads the address of this Service (namespace/name) to pods, or did so before.

    Connections to an address that it doesn't know yet leave the cluster. Some networks accept any of them, and answer
    in the pods' place; so that a connection is accepted shows nothing.
    """
    if (service, *address) not in _led[cluster]:
        node = kind.container(cluster, kind.CONTROL_PLANE)  # the tests have entered its network
        rules = engine.docker("exec", node, "iptables-save", "--table", "nat")
        _led[cluster] |= {(name, ip, int(port)) for ip, name, port in _RULE.findall(rules)}
    return (service, *address) in _led[cluster]
