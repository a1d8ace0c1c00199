"""``python -m tests.harness.fuzz_server``: 5,000 requests of each kind, or as many as you say."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.harness.fuzz_server import raw, rest
from tests.harness.fuzz_server.place import place, resident


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.harness.fuzz_server", description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="requests from the OpenAPI document [5000]")
    parser.add_argument("--raw", type=int, default=5000, help="requests broken byte by byte [5000]")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same requests [1]")
    arguments = parser.parse_args()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as scratch, place(Path(scratch)) as server:
        started, sent, seed = time.monotonic(), 0, arguments.seed
        while sent < arguments.count and not failures:
            number, failure = rest.run(server, 40, seed)
            sent, seed = sent + number, seed + 1
            failures += [failure] if failure else []
            print(f"{time.monotonic() - started:6.0f} s  {sent} of {arguments.count} from the document", flush=True)
        before = resident(server)
        for start in range(0, arguments.raw, 1000):
            answers = raw.run(server, min(1000, arguments.raw - start), arguments.seed + start)
            failures += answers.failures
            print(f"{time.monotonic() - started:6.0f} s  broken: {dict(sorted(answers.statuses.items()))}", flush=True)
        print(f"memory: {before:.0f} MiB, then {resident(server):.0f}; process alive: {server.process.poll() is None}")
        if server.process.poll() is not None or "Traceback" in server.log:
            failures.append(server.log[-5000:])
    print("\n".join(failures) or "nothing found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
