"""Virtual environments of programs whose dependencies are not the development environment's, kept in the cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.localcluster.paths import cache, locked
from tests.localcluster.say import run_slow, say


def python_with(name: str, requirements: Path) -> Path:
    """The interpreter of an environment with exactly the locked packages of that file."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache() / "venvs" / f"{name}-{digest}"
    with locked(f"venv-{name}"):
        if not folder.exists():
            for old in folder.parent.glob(f"{name}-*"):
                shutil.rmtree(old)
            say(f"installing the environment of {name} (kept in {folder.parent})")
            part = folder.with_suffix(".part")
            subprocess.run([sys.executable, "-m", "venv", str(part)], check=True)
            pip = [str(part / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
            run_slow(name, [*pip, "-r", str(requirements)], cache() / "log" / f"venv-{name}.log")
            part.rename(folder)
    return folder / "bin/python"
