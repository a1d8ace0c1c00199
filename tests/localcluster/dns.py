"""Asks the cluster's DNS for an address (A records over UDP); has to run in the cluster's network."""

import secrets
import socket
import struct
import sys

from .config import DNS_SERVICE_IP


def resolve(name: str, server: str = DNS_SERVICE_IP, timeout: float = 2) -> list[str]:
    """Returns the IPv4 addresses of `name`, none if there is no such name. Raises OSError if nobody answers in time."""
    identity = secrets.randbits(16)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    question = struct.pack(">6H", identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((server, 53))
        client.send(question)
        answer = client.recv(4096)
    if struct.unpack(">H", answer[:2])[0] != identity:
        raise OSError("an answer to another question")
    count, at, addresses = struct.unpack(">H", answer[6:8])[0], len(question), []
    for _ in range(count):
        while answer[at] and answer[at] < 0xC0:  # a name is a list of labels that ends with an empty one or a pointer
            at += answer[at] + 1
        at += 2 if answer[at] else 1
        kind, _, _, length = struct.unpack(">2HIH", answer[at : at + 10])
        at += 10
        if kind == 1:
            addresses.append(socket.inet_ntoa(answer[at : at + length]))
        at += length
    return addresses


if __name__ == "__main__":
    try:
        print(*resolve(sys.argv[1]))
    except OSError as problem:
        sys.exit(f"{sys.argv[1]}: {problem}")
