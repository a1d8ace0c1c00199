"""``python -m tests.run``: everything that ``make test`` tests, with a table of the phases' times at the end.

Images and clusters start beside lint and unit tests. Tests that take away what others use (marked ``disrupts``) run one
after the other as soon as there is a cluster: they mostly wait, for example for a node that is lost, while unit tests
and the tests on played nodes use the machine. The other tests on the cluster follow side by side in namespaces of their
own. Tests that measure time (marked ``quiet``) run at the end, with the machine to themselves.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.common.say import say
from tests.localcluster import kind
from tests.run import killed, schedule
from tests.run.phase import Phase, tell
from tests.support import flaky

SCRATCH = "modelyard-scratch"
"""The cluster that the tests of clusters start, see tests/cluster/test_localcluster.py."""
ALONE = "not cluster and not kwok and not peers"
"""The marks of tests that need nothing but this machine."""
UNIT = ("tests/unit", "tests/harness")
PLAYED = ("tests/harness/fuzz", "tests/cluster", "tests/harness/faults")
"""The faults come last: the objects that they leave on the cluster would be work for the other tests' operator."""
REAL = ("tests/e2e", "tests/cluster", "tests/contract")


def pytest(marks: str, *more: str, workers: int = 0) -> list[str]:
    spread = ["-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder"] if workers else ["-n", "0"]
    return [sys.executable, "-m", "pytest", "-q", "--durations=10", "-m", marks, *spread, *more]


def plan(name: str) -> list[Phase]:
    localcluster = [sys.executable, "-m", "tests.localcluster"]
    on_real = ("--cluster", name, *REAL)
    played = f"{name}-kwok"
    up_played = [*localcluster, "up", "--name", played, "--played"]
    down_played = [*localcluster, "down", "--name", played]
    on_played = ("--kwok-cluster", played, *PLAYED)
    return [
        Phase("lint", [["make", "--silent", "lint"]]),
        Phase(
            "clusters",
            [
                up_played,
                [*localcluster, "install", "--name", name],
                [*localcluster, "addon", "gateway", "metrics-server", "keda", "registry", "--name", name],
            ],
        ),
        Phase("disrupts", [pytest("cluster and disrupts and not quiet", *on_real)], after=("clusters",)),
        Phase("unit", [pytest(f"{ALONE} and not quiet", *UNIT, workers=3)], after=("lint",)),
        Phase("played", [pytest("kwok and not quiet", *on_played), down_played], after=("clusters", "unit")),
        Phase(
            "cluster",
            [pytest("cluster and not disrupts and not quiet", *on_real, workers=3)],
            after=("disrupts", "played"),
        ),
        Phase(
            "quiet",
            [
                pytest("cluster and quiet", *on_real),
                up_played,
                pytest("kwok and quiet", *on_played),
                pytest(f"{ALONE} and quiet", *UNIT),
            ],
            after=("cluster",),
        ),
    ]


def down(*clusters: str) -> None:
    for cluster in clusters:
        subprocess.run([sys.executable, "-m", "tests.localcluster", "down", "--name", cluster], check=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=__doc__)
    parser.add_argument("--name", default="modelyard-test", help="the cluster that the tests run on [%(default)s]")
    name = parser.parse_args().name
    passing = (f"{name}-kwok", SCRATCH)
    if killed.begin(name):
        down(*passing, name)
    existed = kind.exists(name)
    # Set both handlers, because a shell lets its background jobs ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    began, phases, failed, interrupted = time.monotonic(), plan(name), [], False
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as notes:
        os.environ[flaky.NOTES] = notes.name
        try:
            failed = schedule.run(phases)
        except KeyboardInterrupt:
            interrupted = True
        again = flaky.read(Path(notes.name))
    # Keep the cluster for the next run, unless this run has started it and was interrupted.
    gone = interrupted and not existed
    down(*passing, *([name] if gone else ()))
    killed.end(name, [] if gone else phases)
    print(schedule.table(phases, began))
    print(flaky.report(again), flush=True)
    if interrupted:
        say("interrupted; nothing of this run is left")
        return 130
    if failed:
        for phase in failed:
            for line in phase.failures:
                tell(phase.name, line)
        say(f"failed: {', '.join(phase.name for phase in failed)}; its output is above, under its name")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
