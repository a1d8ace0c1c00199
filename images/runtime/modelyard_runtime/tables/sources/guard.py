"""Refuses addresses at which a pod finds what is its node's or its own: a source's name or redirect may lead there.

Decided is by the address that is connected to, not by a name, which may mean another address a moment later. Private
addresses are allowed: object stores and databases often are in the cluster's own network.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from modelyard_runtime.pod.errors import UserError

Address = IPv4Address | IPv6Address
_NODES = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "127.0.0.0/8",
            "169.254.0.0/16",  # AWS, Azure, Google and others hand out credentials at 169.254.169.254
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure's host
            "192.0.0.192/32",  # Oracle
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/128",
            "::1/128",
            "fe80::/10",
            "fd00:ec2::/32",  # AWS
            "fd20:ce::254/128",  # Google
            "ff00::/8",
        ),
    )
)
_CARRIERS = (ip_network("64:ff9b::/96"), ip_network("::/96"))
"""Networks whose last four bytes are an IPv4 address: NAT64, and the old form of compatible addresses."""


def is_refused(address: str) -> bool:
    """Whether nothing is asked at this address, of IPv4 or IPv6, with or without a zone."""
    found = ip_address(address.partition("%")[0])
    return any(form in network for form in _forms(found) for network in _NODES if form.version == network.version)


def check(address: str, asked: str) -> None:
    """Raises UserError for an address that ``is_refused``; ``asked`` is the name or redirect that led there."""
    if is_refused(address):
        message = (
            f"{asked} leads to {address}, an address of the node or of the pod itself, where nothing is read; name a "
            "server that other machines reach"
        )
        raise UserError("AddressRefused", message, "spec.source")


def addresses(host: str, port: int) -> list[str]:
    """Returns the addresses of a host, all of which are allowed. Raises UserError, and OSError if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    every = list(dict.fromkeys(str(item[4][0]) for item in found))
    for address in every:
        check(address, host)
    return every


def _forms(address: Address) -> tuple[Address, ...]:
    if isinstance(address, IPv4Address):
        return (address,)
    carried = [IPv4Address(int(address) & 0xFFFFFFFF)] if any(address in network for network in _CARRIERS) else []
    inner = (address.ipv4_mapped, address.sixtofour)
    return (address, *carried, *(form for form in inner if form is not None))
