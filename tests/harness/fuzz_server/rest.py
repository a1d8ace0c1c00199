"""Schemathesis against the OpenAPI document that the server answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.unit.server.serving import Served

EXCLUDED = "positive_data_acceptance"
"""A schema can't say that the data must fill the shape, or that the inputs must be the model's: valid by the schema,
such requests are refused."""
UNLOAD = "/v2/repository/models/"
"""Else there would be no model to ask."""
LINE = re.compile(r"(\d+) generated")


def run(
    server: Served, examples: int, seed: int, phases: str = "examples,coverage,fuzzing,stateful"
) -> tuple[int, str]:
    """The number of requests that were made, and what is wrong, "" where nothing is. ``examples`` bounds those of one
    operation and phase."""
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
    found = LINE.search(done.stdout)
    if found is None or done.returncode not in (0, 1):
        return 0, done.stdout + done.stderr
    failures = done.stdout.partition("= FAILURES =")[2] or done.stdout
    return int(found[1]), failures if done.returncode else ""
