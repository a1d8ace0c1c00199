"""Installs the libraries of a bundle, and compiles what is bundled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from modelyard_runtime.pod import requirements
from modelyard_runtime.pod.errors import UserError

_FIELD = "spec.build.requirements"


def install(lock: Path, to: Path) -> None:
    """Installs what the lock names into a folder, but for what the runtime has. Raises UserError and Retriable."""
    if not lock.is_file() or lock.is_symlink():
        message = f"there is no file {lock.name!r} in the folder; add it, or correct the name"
        raise UserError("RequirementsNotFound", message, _FIELD)
    requirements.install(lock.read_text(errors="replace"), to, _FIELD)
    # What two installations of the same wheels have different: programs name the interpreter, and RECORD hashes them.
    shutil.rmtree(to / "bin", ignore_errors=True)
    for record in to.glob("*.dist-info/RECORD"):
        lines = [line for line in record.read_text().splitlines() if not line.startswith("../")]
        record.write_text("".join(f"{line}\n" for line in sorted(lines)))


def compile_all(folder: Path, name: str) -> None:
    """Compiles the folder, since a bundle is mounted read-only: a library that isn't compiled costs seconds at every
    start. Files that Python can't compile stay as they are: nobody may ever import them."""
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(folder), "-p", name, str(folder)], capture_output=True, check=False)
