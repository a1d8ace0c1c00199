"""Checks which addresses a source may lead to."""

from __future__ import annotations

import pytest

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.sources import guard


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16"),
        *(
            "192.0.0.192",
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fd00:ec2::254",
            "fd20:ce::254",
            "ff02::1",
            "224.0.0.1",
        ),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
        "255.255.255.255",
    ],
)
def test_the_node_and_the_pod_itself_are_refused(address: str) -> None:
    with pytest.raises(UserError, match=r"some\.example leads to"):
        guard.check(address, "some.example")


@pytest.mark.parametrize(
    "address",
    ["10.96.0.1", "192.168.1.4", "172.16.0.9", "100.64.1.1", "8.8.8.8", "fd00:1::5", "2600:9000::1", "::ffff:10.0.0.1"],
)
def test_others_are_not(address: str) -> None:
    guard.check(address, "some.example")


def test_a_name_that_leads_to_the_loopback_is_refused() -> None:
    with pytest.raises(UserError, match="localhost leads to"):
        guard.addresses("localhost", 80)
