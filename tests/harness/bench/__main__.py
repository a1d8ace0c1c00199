"""``python -m tests.harness.bench SUBCOMMAND`` runs a benchmark: it shows its progress and ends with a line of JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from tests.common.say import exit_code

BENCHMARKS = {
    "controllers": "tests.harness.bench.controllers.main",
    "ingest": "tests.harness.bench.ingest.main",
    "monitor": "tests.harness.bench.monitor",
    "rollout": "tests.harness.bench.rollout",
    "rollout-analysis": "tests.harness.bench.rollout_analysis",
    "run-overhead": "tests.harness.bench.run_overhead",
    "serving": "tests.harness.bench.serving.main",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.harness.bench", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True)
    modules = {name: importlib.import_module(path) for name, path in BENCHMARKS.items()}
    for name, module in modules.items():
        module.arguments(commands.add_parser(name, help=(module.__doc__ or "").splitlines()[0]))
    options = parser.parse_args()
    return exit_code(lambda: print(json.dumps(modules[options.benchmark].run(options)), flush=True))


sys.exit(main())
