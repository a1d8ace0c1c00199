"""Computes the figures of rounds: medians, ratios within rounds, two tables and the summary."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from tests.harness.bench.serving.load import Round
from tests.harness.bench.serving.servers import ECHO, OURS, PLAIN


class Case(NamedTuple):
    model: str
    kind: str
    connections: int


@dataclass(frozen=True)
class Started:
    """The start of one server with one model. Memory is in MB (10^6 bytes), after the load."""

    model: str
    server: str
    ready_seconds: float
    pss_mb: float
    rss_mb: float


Results = dict[Case, dict[str, list[Round]]]


def median(rounds: list[Round]) -> Round:
    """Returns the median of each figure by itself, and the sum of the failures."""
    values = {field.name: [getattr(item, field.name) for item in rounds] for field in fields(Round)}
    return Round(**{name: sum(all_) if name == "failed" else statistics.median(all_) for name, all_ in values.items()})


def ratio(servers: dict[str, list[Round]], above: str, below: str) -> float | None:
    """Returns the median of the rounds' ratios of answers per second; None if a server was not measured."""
    if not servers.get(above) or not servers.get(below):
        return None
    pairs = zip(servers[above], servers[below], strict=True)
    return statistics.median(upper.rate / max(lower.rate, 1e-9) for upper, lower in pairs)


def show(model: str, results: Results, started: list[Started]) -> None:
    """Prints the tables of one model."""
    times_of = "".join(f"{name + ' ms':>9}" for name in ("p50", "p95", "p99"))
    print(f"{'':28}{'req/s':>9}{'ours':>8}{times_of}{'CPU %':>7}{'CPU us':>8}{'failed':>8}")
    for case, servers in results.items():
        if case.model != model:
            continue
        print(f"{case.model}, {case.kind}, {case.connections} connection{'s' * (case.connections > 1)}")
        for server, rounds in servers.items():
            typical, times = median(rounds), ratio(servers, OURS, server)
            print(
                f"  {server:26}{typical.rate:9.0f}{f'{times:.1f} x':>8}{typical.p50:9.2f}{typical.p95:9.2f}"
                f"{typical.p99:9.2f}{typical.cpu_percent:7.0f}{typical.cpu_us:8.0f}{typical.failed:8}"
            )
    print(f"{'':28}{'ready s':>9}{'PSS MB':>9}{'RSS MB':>9}", flush=True)
    for item in started:
        if item.model != model:
            continue
        print(f"  {item.server:26}{item.ready_seconds:9.2f}{item.pss_mb:9.0f}{item.rss_mb:9.0f}", flush=True)


def summary(results: Results, started: list[Started]) -> dict[str, Any]:
    """Returns the last line. A model's own figures are those of rows at the most connections; its other cases lie
    below them by name."""
    figures: dict[str, Any] = {"benchmark": "serving"}
    for case, servers in results.items():
        main = case.kind == "row" and case.connections == max(other.connections for other in results)
        ratios = _ratios(servers)
        figures.setdefault(case.model, {}).update(ratios if main else {f"{case.kind}_{case.connections}": ratios})
    costs = [_cost(servers) for case, servers in results.items() if PLAIN in servers and case.kind == "row"]
    if costs:
        figures["sketches"] = {"cost_percent": round(max(costs), 1)}
    ours = [item for item in started if item.server == OURS]
    figures["ready_seconds"] = round(max(item.ready_seconds for item in ours), 2)
    small = next((item for item in ours if item.model == "linear"), ours[0])
    figures["memory_mb"], figures["memory_rss_mb"] = round(small.pss_mb), round(small.rss_mb)
    figures["p99_over_p50"] = round(max(map(_tail, results.values())), 2)
    figures["failed"] = {
        name: sum(item.failed for servers in results.values() for item in servers.get(name, ()))
        for name in dict.fromkeys(item.server for item in started)
    }
    figures["peers"] = {
        name: {"ready_seconds": _median(started, name, lambda item: item.ready_seconds)}
        | {"memory_mb": _median(started, name, lambda item: item.pss_mb)}
        for name in dict.fromkeys(item.server for item in started)
        if name != OURS
    }
    figures["rounds"] = {
        f"{case.model}_{case.kind}_{case.connections}": {
            name: {key: round(value, 2) for key, value in asdict(median(rounds)).items()}
            for name, rounds in servers.items()
        }
        for case, servers in results.items()
    }
    return figures


def _ratios(servers: dict[str, list[Round]]) -> dict[str, float]:
    ratios = {"requests_per_second": round(median(servers[OURS]).rate)}
    for name in servers:
        if name not in (OURS, ECHO, PLAIN):
            ratios[f"speedup_over_{name}"] = _rounded(ratio(servers, OURS, name))
    if ECHO in servers:
        ratios["time_over_echo"] = _rounded(ratio(servers, ECHO, OURS))
        ratios["cpu_over_echo"] = _rounded(median(servers[OURS]).cpu_us / max(median(servers[ECHO]).cpu_us, 1e-9))
    return ratios | {"p99_over_p50": round(_tail(servers), 2)}


def _cost(servers: dict[str, list[Round]]) -> float:
    """Returns how much of the throughput without sketches they cost, in percent."""
    return 100 * (1 - (ratio(servers, OURS, PLAIN) or 0.0))


def _tail(servers: dict[str, list[Round]]) -> float:
    return statistics.median(item.p99 / item.p50 for item in servers[OURS])


def _rounded(value: float | None) -> float:
    return round(value or 0.0, 2)


def _median(started: list[Started], name: str, figure: Callable[[Started], float]) -> float:
    return round(statistics.median(figure(item) for item in started if item.server == name), 2)
