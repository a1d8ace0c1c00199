"""Runs Schemathesis with the OpenAPI document that the server publishes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.unit.server.serving import Served

EXCLUDED = "positive_data_acceptance"
"""Excluded because the server refuses requests that are valid by the schema: a schema can't demand that the data fill
the shape, or that the inputs be the model's."""
UNLOAD = "/v2/repository/models/"
"""Excluded because unloading would leave no model to ask."""
LINE = re.compile(r"(\d+) generated")


def run(
    server: Served, examples: int, seed: int, phases: str = "examples,coverage,fuzzing,stateful"
) -> tuple[int, str]:
    """Returns the number of requests, and the failures as text, "" if there are none.

    ``examples`` limits the requests of one operation and phase.
    """
    command = [str(Path(sys.executable).parent / "st"), "run", f"http://127.0.0.1:{server.port}/openapi.json"]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--phases", phases, "--no-color"]
    command += [
        "--exclude-path-regex",
        UNLOAD,
        "--exclude-checks",
        EXCLUDED,
        "--continue-on-failure",
        "--generation-database",
        "none",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=server.termination_log.parent)
    generated = LINE.search(done.stdout)
    if generated is None or done.returncode not in (0, 1):
        return 0, done.stdout + done.stderr
    failures = done.stdout.partition("= FAILURES =")[2] or done.stdout
    return int(generated[1]), failures if done.returncode else ""
