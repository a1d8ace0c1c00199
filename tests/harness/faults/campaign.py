"""Many runs, several at a time: every scenario is learnt, then played again with each fault at each of its points."""

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
"""Faults that are tried at every write -> the number of their group; those of one group share the writes."""
TRIES = 2
"""Of a point that a run didn't come by: what was written depends a little on what happened to be at the same time."""


@dataclass(frozen=True)
class Point:
    scenario: str
    fault: str
    """Empty: none, a second undisturbed run."""
    at: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.fault or 'no fault'} at {self.at or 'all'}"

    def again(self, cluster: str) -> str:
        """The command that tries this point alone."""
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
        """Raises RuntimeError where a scenario has no good end without any fault."""
        progress = Progress("learning", len(scenarios))

        async def one(name: str) -> None:
            play = Play(self.site, SCENARIOS[name])
            self.learnt[name] = ended = await play.run()
            if ended.wrong:
                raise RuntimeError(f"{name} has no good end without a fault: {ended.wrong}; see {play.folder}")
            shutil.rmtree(play.folder)
            print(f"{name}: {len(ended.writes)} writes", file=sys.stderr)
            progress.step()

        await self._several(one(name) for name in scenarios)
        progress.end()

    def points(self, faults: Sequence[str], sample: int, seed: int) -> list[Point]:
        """Of each learnt scenario and each fault: all its points, its ``most``, or ``sample`` of them."""
        chosen = random.Random(seed)
        found: list[Point] = []
        for scenario, ended in self.learnt.items():
            for fault in faults:
                points = [Point(scenario, fault, at) for at in (FAULTS[fault].points(ended) if fault else [""])]
                most = min(filter(None, (sample, FAULTS[fault].most if fault else 0)), default=0)
                found += chosen.sample(points, most) if 0 < most < len(points) else points
        chosen.shuffle(found)  # so that few of them wait at the same time
        return sorted(found, key=lambda point: self._round(point, chosen))

    def _round(self, point: Point, chosen: random.Random) -> int:
        """Each round tries every write of every scenario once, each time with another fault, and some of the rest: so
        a campaign that ends early has tried as much as it can."""
        writes = self.learnt[point.scenario].writes
        group = GROUPS.get(point.fault)
        if group is None or point.at not in writes:
            return chosen.randrange(len(set(GROUPS.values())))
        return (group - writes.index(point.at)) % len(set(GROUPS.values()))

    async def go(self, points: Sequence[Point], minutes: float = float("inf")) -> None:
        """``minutes``: no point is begun later than that."""
        progress, ends = Progress("faults", len(points)), time.monotonic() + 60 * minutes

        async def one(point: Point) -> None:
            if time.monotonic() > ends:
                return
            tried = await self._try(point)
            self.tried.append(tried)
            if tried.wrong:
                self._tell(tried)
            progress.step()

        await self._several(one(point) for point in points)
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
                wrong.append(f"the operator's log: {play.operator.log}")
            else:
                shutil.rmtree(play.folder)
            if wrong or fault is None or fault.happened:
                return Tried(point, fault is None or fault.happened, wrong, time.monotonic() - began, restarts)
        return Tried(point, False, wrong, time.monotonic() - began, restarts)

    async def _several(self, work: Iterable[Coroutine[None, None, None]]) -> None:
        queue = iter(work)

        async def slot() -> None:
            for one in queue:
                await one

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.slots):
                tasks.create_task(slot())

    def _tell(self, tried: Tried) -> None:
        lines = [f"NOT AS LEARNT  {tried.point}", *(f"  {line}" for line in tried.wrong[:60])]
        print("\n".join([*lines, f"  again: {tried.point.again(self.cluster)}", ""]), file=sys.stderr, flush=True)
