"""Finds free ports, and checks whether a port is open."""

from __future__ import annotations

import contextlib
import fcntl
import random
import socket
import struct

CHOICE = range(10_240, 30_000)
"""Below the ports that Linux gives to outgoing connections and to sockets bound to port 0, and below node ports."""


def free_port() -> int:
    """Returns a free port of 127.0.0.1 that stays free until it is bound.

    The kernel gives it to nobody else, and another caller of this function hits it with a chance of 1 in 20,000. A port
    that the kernel has chosen would be its next choice for somebody else, before a server has started on it.
    """
    while True:
        port = random.SystemRandom().choice(CHOICE)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def is_open(address: tuple[str, int]) -> bool:
    """Returns whether the address accepts connections now."""
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def own_address() -> str | None:
    """Returns an IPv4 address of this machine, or of the network that this process has entered, that is no loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(sock, 0x8915, struct.pack("256s", name.encode()))  # SIOCGIFADDR
                address = socket.inet_ntoa(answer[20:24])
                if not address.startswith("127."):
                    return address
    return None
