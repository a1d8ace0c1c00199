"""Finds out whether Docker can be used."""

import functools
import shutil
import subprocess


@functools.cache
def answers() -> bool:
    """Returns whether `docker info` reaches an engine."""
    if not shutil.which("docker"):
        return False
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
