"""Makes wheels, for tests that install one without an index."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path


def wheel(name: str, files: Mapping[str, str], scripts: Mapping[str, str] | None = None) -> tuple[str, bytes, str]:
    """Returns the file name, the bytes and the SHA-256 of version 1.0 of a pure library."""
    info = f"{name}-1.0.dist-info"
    entries = "".join(f"{script} = {function}\n" for script, function in (scripts or {}).items())
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{entries}",
    }
    record = [f"{path},sha256={_hash(text)},{len(text.encode())}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in content.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    data = buffer.getvalue()
    return f"{name}-1.0-py3-none-any.whl", data, hashlib.sha256(data).hexdigest()


def write_wheel(folder: Path) -> Path:
    """Writes the wheel of ``answers`` 1.0, whose module has ``ANSWER``, into a folder."""
    name, data, _ = wheel("answers", {"answers.py": "ANSWER = 42\n"})
    path = folder / name
    path.write_bytes(data)
    return path


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
