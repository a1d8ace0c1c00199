"""Writes a small wheel, so that tests install one without an index."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_wheel(folder: Path) -> Path:
    """Writes the wheel of ``answers`` 1.0, whose module has ``ANSWER``, into a folder."""
    info = "answers-1.0.dist-info"
    files = {
        "answers.py": "ANSWER = 42\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: answers\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    path = folder / "answers-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
