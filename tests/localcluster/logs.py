"""Reads the logs of a cluster's daemons."""

from collections import deque
from pathlib import Path


def tail(path: Path, lines: int) -> str:
    """Returns the last lines of a log, or a text that there is none."""
    try:
        with open(path, errors="replace") as file:
            return "".join(deque(file, lines)).rstrip()
    except FileNotFoundError:
        return f"(no {path})"


def tails(folder: Path, lines: int) -> str:
    """Returns the last lines of each log of the cluster in `folder`, each below its path."""
    paths = sorted(folder.glob("[0-9]/log/*.log"))
    return "\n".join(f"==> {path} <==\n{tail(path, lines)}\n" for path in paths) or f"(no logs in {folder})"
