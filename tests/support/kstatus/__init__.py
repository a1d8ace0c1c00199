"""Runs kstatus, the library by which GitOps tools tell whether an object is done, as a small program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.localcluster import binaries
from tests.localcluster.paths import REPO


class Verdict(NamedTuple):
    """``status`` is InProgress, Current, Failed or Terminating."""

    status: str
    message: str


def program() -> binaries.Program:
    """Returns the program. Its Go modules have hyperkube's versions and flags, so that both share the compiled code."""
    return binaries.own("kstatus", Path(__file__).parent)


class Kstatus:
    """The running program; it is built first if it doesn't exist."""

    def __init__(self) -> None:
        if not program().built():
            # Build in a separate process: this one may be in a cluster's network, where nothing can be downloaded.
            subprocess.run([sys.executable, "-m", "tests.support.kstatus"], cwd=REPO, check=True)
        self._process = subprocess.Popen(
            [str(program().folder() / "kstatus")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def of(self, obj: dict[str, Any]) -> Verdict:
        """Returns the verdict on an object, which needs apiVersion and kind. Raises RuntimeError if it is no object."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(obj) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"kstatus ended at {json.dumps(obj)[:500]}: its stderr says why")
        return Verdict(**json.loads(answer))

    def close(self) -> None:
        self._process.communicate()
