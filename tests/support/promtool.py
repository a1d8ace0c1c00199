"""Runs promtool, by which Prometheus checks rules and queries; it comes with Debian's package of Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.debian import unpacked


def promtool(*words: str | Path) -> str:
    """Returns what promtool prints. Raises AssertionError with it if promtool refuses."""
    argv = [str(unpacked("prometheus") / "usr/bin/promtool"), *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
