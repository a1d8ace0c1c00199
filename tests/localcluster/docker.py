"""Docker, where an engine answers."""

import functools
import shutil
import subprocess


@functools.cache
def answers() -> bool:
    """Whether `docker info` reaches an engine."""
    if not shutil.which("docker"):
        return False
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
