"""``python -m tests.bench SUBCOMMAND``: every benchmark shows its progress and ends with one line of JSON."""

from __future__ import annotations

import argparse
import importlib
import json

BENCHMARKS = {
    "controllers": "tests.bench.controllers.main",
    "rollout": "tests.bench.rollout",
    "rollout-analysis": "tests.bench.rollout_analysis",
    "run-overhead": "tests.bench.run_overhead",
    "serving": "tests.bench.serving.main",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True)
    modules = {name: importlib.import_module(path) for name, path in BENCHMARKS.items()}
    for name, module in modules.items():
        module.arguments(commands.add_parser(name, help=(module.__doc__ or "").splitlines()[0]))
    options = parser.parse_args()
    print(json.dumps(modules[options.benchmark].run(options)), flush=True)


main()
