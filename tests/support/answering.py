"""Runs the tests' own small Go programs, which answer a line of JSON with a line of JSON.

``python -m tests.support.answering FOLDER`` builds the one whose module lies in that folder below ``tests/support``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.common.paths import REPO
from tests.common.say import exit_code
from tests.localcluster import access, binaries


def program(folder: str) -> binaries.Program:
    """Returns the program. Its Go modules have hyperkube's versions and flags, so that both share the compiled code."""
    return binaries.own(folder, Path(__file__).with_name(folder))


class Answering:
    """A running program; it is built first if it doesn't exist."""

    def __init__(self, folder: str) -> None:
        self._name = folder
        if not program(folder).built():
            # Build in a separate process: this one may be in a cluster's network, where nothing can be downloaded.
            subprocess.run([sys.executable, "-m", __name__, folder], cwd=REPO, check=True)
        argv = [str(program(folder).folder() / folder)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Returns the answer. Raises RuntimeError if the program ends instead."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._name} ended at {json.dumps(question)[:500]}: its stderr says why")
        return dict(json.loads(answer))

    def close(self) -> None:
        self._process.communicate()


def _build() -> None:
    access.leave()
    binaries.build(program(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(exit_code(_build))
