"""Checks that the demo's second commit breaks the tests of the example, and that its first one does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.source import files, wrong


@pytest.mark.parametrize(("changed", "code"), [({}, 0), (wrong(), 1)], ids=["first", "second"])
def test_what_is_committed(tmp_path: Path, changed: dict[str, str | bytes | None], code: int) -> None:
    for name, content in (files() | changed).items():
        assert isinstance(content, str)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert ("1 passed" in done.stdout, "1 failed" in done.stdout) == (code == 0, code == 1)
