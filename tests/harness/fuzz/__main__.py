"""``make fuzz`` sends generated objects to a real API server and the operator, on a cluster of its own.

Prints its seed, progress, a table and one line of JSON. A story that fails is kept as a file for ``--replay``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.common.say import say
from tests.harness.fuzz.run import Failed, Fuzzer, replay
from tests.harness.fuzz.world import World
from tests.support import played
from tests.support.report import show


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.harness.fuzz", description=__doc__)
    parser.add_argument("--name", default="modelyard-fuzz", help="the cluster that it starts and removes [%(default)s]")
    parser.add_argument("--count", type=int, default=2000, help="objects that are sent [%(default)s]")
    parser.add_argument("--seed", type=int, help="of all that is random [a new one]")
    parser.add_argument("--go-on", action="store_true", help="keep every story that fails, and go on")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="tell this story alone")
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is at the end")
    options = parser.parse_args()
    played.up(options.name)
    try:
        with World(options.name) as world:
            say(f"the operator's log: {world.log_path}")
            if options.replay:
                troubles = replay(world, options.replay)
                print("\n".join(troubles) or "no trouble")
                return bool(troubles)
            fuzzer = Fuzzer(world, options.count, options.seed, options.go_on)
            try:
                fuzzer.run()
            except Failed as error:
                print(error, file=sys.stderr)
            except KeyboardInterrupt:
                say("interrupted; so far:")
            figures = fuzzer.summary()
            show(figures)
            print(json.dumps(figures), flush=True)
            return bool(figures["failed"])
    finally:
        if not options.keep:
            played.down(options.name)


sys.exit(main())
