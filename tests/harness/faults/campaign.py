"""Runs the scenarios, several at a time: each is learnt, then played again with each fault at each of its points."""

from __future__ import annotations

import asyncio
import random
import shlex
import shutil
import sys
import time
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field

from tests.harness.faults.faults import FAULTS
from tests.harness.faults.judge import judge
from tests.harness.faults.play import Ended, Play, Site
from tests.harness.faults.scenarios import SCENARIOS
from tests.harness.faults.write_faults import Passing
from tests.support.report import Progress

_ALONE = ("crash before", "crash after", "answer lost", "409")
GROUPS = {name: number for number, name in enumerate(_ALONE)} | {
    name: len(_ALONE) for name, fault in FAULTS.items() if issubclass(fault, Passing)
}
"""Fault -> number of its group, for faults that strike writes. The faults of one group share the writes out."""
TRIES = 2
"""Runs tried for a point until its fault happens: timing decides whether a run makes exactly the same writes."""


@dataclass(frozen=True)
class Point:
    scenario: str
    fault: str
    """An empty name means a second run without any fault."""
    at: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.fault or 'no fault'} at {self.at or 'all'}"

    def again(self, cluster: str) -> str:
        """Returns the command line that tries this point alone."""
        words = [
            "python",
            "-m",
            "tests.harness.faults",
            "--name",
            cluster,
            "--scenario",
            self.scenario,
            "--fault",
            self.fault,
        ]
        return shlex.join([*words, "--at", self.at])


@dataclass(frozen=True)
class Tried:
    point: Point
    happened: bool
    wrong: Sequence[str]
    seconds: float
    restarts: int = 0


@dataclass
class Campaign:
    site: Site
    cluster: str
    slots: int
    broken: str | None = None
    learnt: dict[str, Ended] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)

    async def learn(self, scenarios: Sequence[str]) -> None:
        """Plays each scenario without a fault. Raises RuntimeError if one of them ends badly."""
        progress = Progress("learning", len(scenarios))

        async def learn_scenario(name: str) -> None:
            play = Play(self.site, SCENARIOS[name])
            self.learnt[name] = ended = await play.run()
            if ended.wrong:
                raise RuntimeError(f"{name} has no good end without a fault: {ended.wrong}; see {play.folder}")
            shutil.rmtree(play.folder)
            print(f"{name}: {len(ended.writes)} writes", file=sys.stderr)
            progress.step()

        await self._several(learn_scenario(name) for name in scenarios)
        progress.end()

    def points(self, faults: Sequence[str], sample: int, seed: int) -> list[Point]:
        """Returns points of each learnt scenario and fault: all, or as many as the fault's ``most`` or ``sample``."""
        rng = random.Random(seed)
        chosen: list[Point] = []
        for scenario, ended in self.learnt.items():
            for fault in faults:
                points = [Point(scenario, fault, at) for at in (FAULTS[fault].points(ended) if fault else [""])]
                most = min(filter(None, (sample, FAULTS[fault].most if fault else 0)), default=0)
                chosen += rng.sample(points, most) if 0 < most < len(points) else points
        rng.shuffle(chosen)  # mixes the slow faults with the others, so that few runs wait at the same time
        return sorted(chosen, key=lambda point: self._round(point, rng))

    def _round(self, point: Point, rng: random.Random) -> int:
        """Returns the number of the round that tries this point.

        Each round tries every write of every scenario once, each time with another fault, and a share of the other
        points: a campaign that ends early has then covered as much as it could.
        """
        writes = self.learnt[point.scenario].writes
        group = GROUPS.get(point.fault)
        if group is None or point.at not in writes:
            return rng.randrange(len(set(GROUPS.values())))
        return (group - writes.index(point.at)) % len(set(GROUPS.values()))

    async def go(self, points: Sequence[Point], minutes: float = float("inf")) -> None:
        """Tries the points, and begins none of them after ``minutes``."""
        progress, ends = Progress("faults", len(points)), time.monotonic() + 60 * minutes

        async def try_point(point: Point) -> None:
            if time.monotonic() > ends:
                return
            tried = await self._try(point)
            self.tried.append(tried)
            if tried.wrong:
                self._print_failure(tried)
            progress.step()

        await self._several(try_point(point) for point in points)
        progress.end()

    async def _try(self, point: Point) -> Tried:
        learnt, began = self.learnt[point.scenario], time.monotonic()
        wrong: list[str] = []
        restarts = 0
        for _ in range(TRIES):
            fault = FAULTS[point.fault](point.at) if point.fault else None
            play = Play(self.site, SCENARIOS[point.scenario], fault, self.broken)
            try:
                ended = await play.run(learnt)
                restarts = ended.restarts
                wrong = judge(learnt, ended, late=point.at if fault and fault.late else "")
            except Exception as error:
                wrong = [f"the run broke off: {type(error).__name__}: {error}"]
            if wrong:
                wrong.append(f"the operator's logs: {play.folder}")
            else:
                shutil.rmtree(play.folder)
            if wrong or fault is None or fault.happened:
                return Tried(point, fault is None or fault.happened, wrong, time.monotonic() - began, restarts)
        return Tried(point, False, wrong, time.monotonic() - began, restarts)

    async def _several(self, work: Iterable[Coroutine[None, None, None]]) -> None:
        queue = iter(work)

        async def slot() -> None:
            for run in queue:
                await run

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.slots):
                tasks.create_task(slot())

    def _print_failure(self, tried: Tried) -> None:
        lines = [f"NOT AS LEARNT  {tried.point}", *(f"  {line}" for line in tried.wrong[:60])]
        print("\n".join([*lines, f"  again: {tried.point.again(self.cluster)}", ""]), file=sys.stderr, flush=True)
