"""Finds free ports, and checks whether a port is open."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Returns a free port of 127.0.0.1."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def is_open(address: tuple[str, int]) -> bool:
    """Returns whether the address accepts connections now."""
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True
