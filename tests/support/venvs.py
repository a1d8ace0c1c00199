"""Builds virtual environments for programs with other dependencies than the development environment, in the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.common.paths import cache, locked
from tests.common.say import run_slow, say
from tests.localcluster import access


def python_with(name: str, requirements: Path) -> Path:
    """Returns the interpreter of an environment with exactly the locked packages of that file, built if missing."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache() / "venvs" / f"{name}-{digest}"
    # A marker while the environment is built. The folder can't be moved later: its programs name their interpreter.
    part = folder.with_suffix(".part")
    with locked(f"venv-{name}"):
        if part.exists() or not folder.exists():
            for old in folder.parent.glob(f"{name}-*"):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            say(f"installing the environment of {name} (kept in {folder.parent})")
            folder.parent.mkdir(parents=True, exist_ok=True)
            part.touch()
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
            # The caller may have entered a cluster's network, from which nothing can be downloaded.
            if os.geteuid() == 0:
                pip = ["nsenter", f"--net={access.outside()}", *pip]
            run_slow(name, [*pip, "--require-hashes", "-r", str(requirements)], cache() / "log" / f"venv-{name}.log")
            part.unlink()
    return folder / "bin/python"
