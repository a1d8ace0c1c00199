"""Messages for people: log lines on stdout, and the reason for the exit where the kubelet reads it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

TERMINATION_LOG = Path("/dev/termination-log")
MAX_BYTES = 1024
"""The operator reads at most 1 KiB of a termination message."""


def say(message: str) -> None:
    """Prints a line with the time in UTC."""
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, file=sys.stdout, flush=True)


def last_words(message: str, termination_log: Path = TERMINATION_LOG, reason: str = "InternalError") -> None:
    """Writes why the process ends to the log and to the termination message of its container.

    ``reason`` is one of the API's reasons: the operator takes both into the conditions of the object that is served.
    """
    say(message)
    try:
        # The kubelet mounts the file. Outside a pod it is missing, and no file may be created in /dev.
        if termination_log.exists():
            termination_log.write_bytes(_document(reason, message))
    except OSError as error:
        say(f"cannot write {termination_log}: {error}")


def _document(reason: str, message: str) -> bytes:
    """Returns a ``modelyard_api.wire.result.Failed`` of at most ``MAX_BYTES``; importing that module takes too long."""
    while True:
        document = {"kind": "Failed", "error": {"reason": reason, "message": message}}
        data = json.dumps(document, ensure_ascii=False).encode()
        if len(data) <= MAX_BYTES:
            return data
        message = message[: len(message) - max(1, (len(data) - MAX_BYTES) // 4)]
