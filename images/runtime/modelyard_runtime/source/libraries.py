"""Installs the libraries of a bundle, locked by hashes and from wheels alone, and compiles what is bundled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from modelyard_api.wire.task import WORK_FOLDER
from modelyard_runtime.pod.errors import UserError

_SECONDS = 1800
_AWAY = ("error sending request", "dns error", "Connection refused", "timed out", "status server error", "os error 111")
"""What uv says if the index is away, not the library."""


def install(requirements: Path, to: Path) -> None:
    """Installs into the folder. Raises UserError with what uv says."""
    shutil.rmtree(to, ignore_errors=True)  # of an earlier try
    to.mkdir()
    if not requirements.is_file() or requirements.is_symlink():
        message = f"there is no file {requirements.name!r} in the folder; add it, or correct the name"
        raise UserError("RequirementsNotFound", message, "spec.build.requirements")
    command = [
        *(
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--python",
            sys.executable,
            "--target",
            str(to),
            "--requirements",
            str(requirements),
        ),
        *("--require-hashes", "--only-binary", ":all:", "--no-deps", "--link-mode", "copy", "--no-config", "--quiet"),
    ]
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": WORK_FOLDER, "TMPDIR": os.environ.get("TMPDIR", "/tmp")},
        **{"UV_CACHE_DIR": f"{WORK_FOLDER}/uv", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"},
    }
    ended = subprocess.run(
        command,
        **{"env": environment, "cwd": requirements.parent, "capture_output": True, "text": True, "errors": "replace"},
        timeout=_SECONDS,
        check=False,
    )
    if ended.returncode:
        said = " ".join(ended.stderr.split())[:800]
        if any(word in said for word in _AWAY):
            raise UserError("IndexUnavailable", f"the index of {requirements.name} can't be read: {said}")
        message = f"{requirements.name}: write each library with its hashes, in a version that has wheels ({said})"
        raise UserError("RequirementsRefused", message, "spec.build.requirements")
    _drop_what_differs(to)


def compile_all(folder: Path, name: str) -> None:
    """Compiles the folder, since a bundle is mounted read-only: a library that isn't compiled costs seconds at every
    start. Files that Python can't compile stay as they are: nobody may ever import them."""
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(folder), "-p", name, str(folder)], capture_output=True, check=False)


def _drop_what_differs(folder: Path) -> None:
    """Removes what two installations of the same libraries have different: programs, which name the interpreter's
    path, with their lines in RECORD, and what uv notes about its cache."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    (folder / ".lock").unlink(missing_ok=True)
    for info in folder.glob("*.dist-info"):
        (info / "uv_cache.json").unlink(missing_ok=True)
        record = info / "RECORD"
        if record.is_file():
            lines = record.read_text().splitlines()
            kept = [line for line in lines if not line.startswith(("bin/", "../")) and "uv_cache.json" not in line]
            record.write_text("".join(f"{line}\n" for line in sorted(kept)))
