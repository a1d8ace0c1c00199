"""Runs the property test over many tables: ``python -m tests.unit.meaning --tables 2000 --seed 0``."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
import warnings

from tests.unit.meaning.run import disagreements

AT_ONCE = 40


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    wrong, began = 0, time.monotonic()
    for first in range(options.seed, options.seed + options.tables, AT_ONCE):
        seeds = range(first, min(first + AT_ONCE, options.seed + options.tables))
        with contextlib.redirect_stdout(io.StringIO()):
            found = disagreements(seeds)
        for seed, problems in found.items():
            print(f"seed {seed}:", *problems[:5], sep="\n  ", flush=True)
        wrong += len(found)
        done = seeds.stop - options.seed
        print(f"{done} tables, {wrong} with a difference, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
