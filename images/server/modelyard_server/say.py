"""Messages for people: log lines on stdout, and the reason for the exit where the kubelet reads it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

TERMINATION_LOG = Path("/dev/termination-log")
MAX_BYTES = 1024
"""The operator reads at most 1 KiB of a termination message."""


def say(message: str) -> None:
    """Prints a line with the time in UTC."""
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, file=sys.stdout, flush=True)


def last_words(message: str, termination_log: Path = TERMINATION_LOG) -> None:
    """Writes why the process ends to the log and to the termination message of its container."""
    say(message)
    try:
        # The kubelet mounts the file. Outside a pod it is missing, and no file may be created in /dev.
        if termination_log.exists():
            termination_log.write_bytes(message.encode()[:MAX_BYTES])
    except OSError as error:
        say(f"cannot write {termination_log}: {error}")
