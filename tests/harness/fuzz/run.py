"""Plays stories until enough objects were sent: hypothesis generates them from a seed, and shrinks a failing one."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import yaml
from hypothesis import HealthCheck, Phase

from tests.common.say import say
from tests.harness.fuzz.play import Figures, Play
from tests.harness.fuzz.stories import Story, stories
from tests.harness.fuzz.world import World
from tests.support.report import Progress

FOLDER = Path(tempfile.gettempdir()) / "modelyard-fuzz"
"""The folder that keeps the stories that failed."""
SHRINKING = 120.0
"""Seconds spent on shrinking a story that failed."""


class Failed(AssertionError):
    """The operator fails a story; the message says how, and how to play the story again."""


class Enough(BaseException):
    """The wanted number of objects was sent."""


class Fuzzer:
    """With ``go_on`` it keeps every story that fails and goes on, instead of shrinking the first one."""

    def __init__(
        self,
        world: World,
        count: int,
        seed: int | None = None,
        go_on: bool = False,
        shrinking: float = SHRINKING,
        twice: bool = False,
    ) -> None:
        """With ``twice`` a failing story is played again at once, and counts only if it fails again."""
        self.seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        self._world, self._count, self._go_on, self._shrinking = world, count, go_on, shrinking
        self._twice = twice
        self.figures, self.failures = Figures(), 0
        self.shortest: Story | None = None
        """The last story that failed."""
        self._stories, self._began = 0, time.monotonic()
        self._first_failure: float | None = None
        self._known: dict[str, str] = {}
        """Story -> message of its failure. Hypothesis asks for failing stories again; they must fail the same way."""
        self._progress = Progress("objects sent", count)

    def run(self) -> dict[str, Any]:
        """Plays the stories, and returns the figures. Raises Failed."""
        say(f"seed {self.seed}")
        with contextlib.suppress(Enough):
            self._property()()
        self._progress.end()
        if self.failures:
            raise Failed(f"{self.failures} stories failed, seed {self.seed}; they are kept in {FOLDER}")
        return self.summary()

    def summary(self) -> dict[str, Any]:
        canaries = sorted(self.figures.canaries) or [0.0]
        counts = dict(sorted(self.figures.counts.items()))
        return {
            "fuzz": "objects",
            "seed": self.seed,
            "objects": counts.pop("sent", 0),
            "accepted": counts.get("created accepted", 0),
            "stories": self._stories,
            "failed": self.failures,
            "seconds": round(time.monotonic() - self._began, 1),
            "canary_seconds": {"p50": round(canaries[len(canaries) // 2], 3), "max": round(canaries[-1], 3)},
            "counts": counts,
        }

    def _property(self) -> Callable[[], None]:
        settings = hypothesis.settings(
            max_examples=self._count,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink) if self._shrinking else (Phase.generate,),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        return hypothesis.seed(self.seed)(settings(hypothesis.given(story=stories())(self._play)))

    def _play(self, story: Story) -> None:
        if self._first_failure is None and self.figures.counts["sent"] >= self._count:
            raise Enough
        text = json.dumps(story, default=repr)
        if text not in self._known and (trouble := self._trouble(story)):
            self._known[text] = trouble
        if text in self._known:
            raise Failed(self._known[text])  # Raise at one line only: hypothesis tells failures apart by their line.

    def _trouble(self, story: Story) -> str | None:
        """Plays a new story. Returns its failure; None if all is well, or if no time is left for shrinking."""
        if self._first_failure is not None and time.monotonic() - self._first_failure > self._shrinking:
            return None
        self._stories += 1
        troubles = Play(self._world, story, self.figures).troubles()
        if troubles and self._twice and self._first_failure is None:
            first = "; ".join(trouble[:300] for trouble in troubles[:4])
            troubles = Play(self._world, story, self.figures).troubles()
            say(f"{first}\n  ... and told again: {'the same' if troubles else 'all is well'}")
        self._progress.at(min(self.figures.counts["sent"], self._count))
        if not troubles:
            return None
        path = keep(story, self.seed, self.failures if self._go_on else None, troubles)
        if self._go_on:
            self.failures += 1
            lines = "\n  ".join(trouble[:800] for trouble in troubles[:4])
            say(f"{path}:\n  {lines}")
            return None
        self.failures = 1
        self._first_failure = self._first_failure or time.monotonic()
        self.shortest = story
        lines = "\n".join(troubles)
        return f"{lines}\ntell it again: make fuzz ARGS='--replay {path}'; the whole run: --seed {self.seed}"


def keep(story: Story, seed: int, number: int | None, troubles: list[str]) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{seed}{'' if number is None else f'-{number}'}.yaml"
    comment = "".join(f"# {line}\n" for trouble in troubles for line in trouble[:4000].splitlines())
    path.write_text(comment + yaml.safe_dump(story, sort_keys=False))
    return path


def replay(world: World, path: Path) -> list[str]:
    """Plays a kept story, and returns its defects."""
    return Play(world, yaml.safe_load(path.read_text()), Figures()).troubles()
