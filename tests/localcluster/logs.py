"""Reads the logs of a cluster's daemons."""

from collections import deque
from pathlib import Path


def tail(path: Path, lines: int) -> str:
    """The last lines of a log, or a word that there is none."""
    try:
        with open(path, errors="replace") as file:
            return "".join(deque(file, lines)).rstrip()
    except FileNotFoundError:
        return f"(no {path})"


def tails(folder: Path, lines: int) -> str:
    """The last lines of each log of the cluster in `folder`, each below its path."""
    found = sorted(folder.glob("[0-9]/log/*.log"))
    return "\n".join(f"==> {path} <==\n{tail(path, lines)}\n" for path in found) or f"(no logs in {folder})"
