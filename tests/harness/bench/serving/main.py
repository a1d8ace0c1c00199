"""The model server beside MLServer, KServe, MLflow and a bare echo: speed, latency, memory, start.

Servers are pinned to one core, the load generator (wrk, closed loop) to the other. All servers of a model are started,
each must answer as scikit-learn does, and they take turns in short rounds while the others stand still. Figures are
medians of rounds; ratios are medians of the ratios within rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tests.harness.bench.serving import figures, load, models, servers
from tests.harness.bench.serving.figures import Case, Results, Started
from tests.harness.bench.serving.kinds import KINDS
from tests.harness.bench.serving.running import Running
from tests.localcluster.say import say
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
    load.check()
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
    """Adds the rounds and the starts of one model."""
    made = models.made(name)
    running: list[Running] = []
    try:
        for server in chosen:
            one = Running(server, made, folder / server.name)
            running.append(one)
            say(f"{name}: {server.name} was ready after {one.ready_seconds:.2f} s")
            one.tree.pause()
        cases = [(kind, number) for kind, number in CASES[name] if kind in (options.kinds or (kind,))]
        _rounds(name, running, cases, options, results)
        for one in running:
            pss, rss = one.tree.memory_mb()
            started.append(Started(name, one.server.name, one.ready_seconds, pss, rss))
    finally:
        for one in running:
            one.tree.stop()


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
        for one in running:
            one.tree.resume()
            if kind.fits(one.server, one.made) and one.answers(kind):
                if one.server.name == servers.OURS:
                    size = one.answer_size(kind)
                able.append((one, one.requests(kind, size)))
                if one.server.name not in warm:
                    one.under_load(able[-1][1], max(connections), 1)
                    warm.add(one.server.name)
            one.tree.pause()
        if not size:
            say(f"{name}: this server does not know requests of kind {kind.name}; left out")
            able = []
        progress.total -= (len(running) - len(able)) * len(connections) * options.rounds
        if not able:
            continue
        for number in connections:
            results[Case(name, kind.name, number)] = {one.server.name: [] for one, _ in able}
        for _ in range(options.rounds):
            for number in connections:
                for one, requests in able:
                    one.tree.resume()
                    done = one.under_load(requests, number, options.seconds)
                    one.tree.pause()
                    results[Case(name, kind.name, number)][one.server.name].append(done)
                    progress.step()
    progress.end()
