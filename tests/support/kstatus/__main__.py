"""Builds the program, from the machine's own network."""

from __future__ import annotations

import sys

from tests.localcluster import binaries, network
from tests.localcluster.say import exit_code
from tests.support.kstatus import program


def _build() -> None:
    network.leave()
    binaries.build(program())


if __name__ == "__main__":
    sys.exit(exit_code(_build))
