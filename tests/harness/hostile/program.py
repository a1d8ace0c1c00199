"""Runs in the hostile container, with Python alone: makes the attempts and prints what came of them."""

import glob
import http.client
import json
import pathlib
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

TIMEOUT = 10


def ask(attempt):
    """Returns the code of the answer, 0 without one; for files the number that exist."""
    if attempt["file"]:
        return len(glob.glob(attempt["file"]))
    url = urlsplit(attempt["to"])
    try:
        if attempt["raw"]:
            return raw(url, attempt["raw"].encode())
        unverified = ssl._create_unverified_context()
        if url.scheme == "https":
            connection = http.client.HTTPSConnection(url.hostname, url.port or 443, timeout=TIMEOUT, context=unverified)
        else:
            connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=TIMEOUT)
        body, headers = attempt["body"], dict(attempt["headers"])
        if body is not None and not isinstance(body, str):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection.putrequest(attempt["method"], attempt["path"], skip_host="Host" in headers)
        if body is not None:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body.encode() if body is not None else None)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0


def raw(url, data):
    """Sends the bytes, and returns the highest code of all answers that come."""
    with socket.create_connection((url.hostname, url.port or 80), TIMEOUT) as connection:
        connection.sendall(data)
        connection.settimeout(3)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except OSError:
            pass
    codes = [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    return max(codes, default=0)


print("waiting to be let go", flush=True)
while not pathlib.Path("/tmp/go").exists():
    time.sleep(0.2)
attempts = json.loads(pathlib.Path("/tmp/attempts.json").read_text())
print("outcomes " + json.dumps([ask(attempt) for attempt in attempts]), flush=True)
sys.exit(3)
