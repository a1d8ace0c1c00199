"""The model server compared with MLServer, KServe, MLflow and a bare echo: speed, latency, memory, start.

Servers are pinned to one core, the load generator (wrk, closed loop) to the other. All servers of a model are started,
each must answer as scikit-learn does, and they take turns in short rounds while the others are paused. Figures are
medians of rounds; ratios are medians of the ratios within rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tests.common.say import say
from tests.harness.bench.serving import figures, load, models, servers
from tests.harness.bench.serving.figures import Case, Results, Started
from tests.harness.bench.serving.kinds import KINDS
from tests.harness.bench.serving.running import Running
from tests.support.report import Progress

CASES = {
    "forest": [("row", 1), ("row", 16), ("batch", 16), ("binary", 1), ("binary", 16)],
    "linear": [("row", 1), ("row", 16), ("batch", 16), ("binary", 16)],
    "boosting": [("row", 1), ("row", 16)],
    "pipeline": [("row", 1), ("row", 16), ("batch", 16)],
}


def arguments(parser: argparse.ArgumentParser) -> None:
    names = list(servers.known())
    parser.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES), help="[all of them]")
    parser.add_argument(
        "--servers", nargs="+", choices=names, default=names, help=f"{servers.OURS} is always one [all of them]"
    )
    parser.add_argument("--kinds", nargs="+", choices=[kind.name for kind in KINDS], help="of requests [all of them]")
    parser.add_argument("--seconds", type=int, default=1, help="of load a round, whole ones [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="of all servers in turn [%(default)s]")


def run(options: argparse.Namespace) -> dict[str, Any]:
    load.program()
    known = servers.known()
    chosen = [server for name, server in known.items() if name in (servers.OURS, *options.servers)]
    results: Results = {}
    started: list[Started] = []
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as folder:
        for name in options.models:
            _model(name, chosen, options, Path(folder) / name, results, started)
            figures.show(name, results, started)
    return figures.summary(results, started)


def _model(
    name: str,
    chosen: list[servers.Server],
    options: argparse.Namespace,
    folder: Path,
    results: Results,
    started: list[Started],
) -> None:
    """Adds the rounds and the starts of one model to ``results`` and ``started``."""
    model = models.cached(name)
    running: list[Running] = []
    try:
        for server in chosen:
            instance = Running(server, model, folder / server.name)
            running.append(instance)
            say(f"{name}: {server.name} was ready after {instance.ready_seconds:.2f} s")
            instance.tree.pause()
        cases = [(kind, number) for kind, number in CASES[name] if kind in (options.kinds or (kind,))]
        _rounds(name, running, cases, options, results)
        for instance in running:
            pss, rss = instance.tree.memory_mb()
            started.append(Started(name, instance.server.name, instance.ready_seconds, pss, rss))
    finally:
        for instance in running:
            instance.tree.stop()


def _rounds(
    name: str, running: list[Running], cases: list[tuple[str, int]], options: argparse.Namespace, results: Results
) -> None:
    progress = Progress(name, len(cases) * len(running) * options.rounds)
    warm: set[str] = set()
    for kind in KINDS:
        connections = [number for name_, number in cases if name_ == kind.name]
        if not connections:
            continue
        able: list[tuple[Running, list[Path]]] = []
        size = 0
        for instance in running:
            instance.tree.resume()
            if kind.fits(instance.server, instance.model) and instance.answers(kind):
                if instance.server.name == servers.OURS:
                    size = instance.answer_size(kind)
                able.append((instance, instance.requests(kind, size)))
                if instance.server.name not in warm:
                    instance.under_load(able[-1][1], max(connections), 1)
                    warm.add(instance.server.name)
            instance.tree.pause()
        if not size:
            say(f"{name}: this server does not know requests of kind {kind.name}; left out")
            able = []
        progress.total -= (len(running) - len(able)) * len(connections) * options.rounds
        if not able:
            continue
        for number in connections:
            results[Case(name, kind.name, number)] = {instance.server.name: [] for instance, _ in able}
        for _ in range(options.rounds):
            for number in connections:
                for instance, requests in able:
                    instance.tree.resume()
                    done = instance.under_load(requests, number, options.seconds)
                    instance.tree.pause()
                    results[Case(name, kind.name, number)][instance.server.name].append(done)
                    progress.step()
    progress.end()
