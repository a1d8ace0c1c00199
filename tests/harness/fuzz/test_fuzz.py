"""A short run against a real API server, and a check that the fuzzer detects an operator that raises an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.harness.fuzz.play import Figures, Play
from tests.harness.fuzz.run import Failed, Fuzzer
from tests.harness.fuzz.world import FIRST, World
from tests.support.seed import seed
from tests.support.tracking import Tracking

pytestmark = pytest.mark.kwok
KNOWN = Path(__file__).with_name("known.yaml")


@pytest.fixture(scope="class")
def world(kwok: str, tracking: Tracking) -> Iterator[World]:
    with World(kwok, tracking=tracking) as world:
        yield world


class TestOurs:
    def test_what_the_api_server_accepts_is_handled(self, world: World) -> None:
        figures = Fuzzer(world, 200, seed=seed(), twice=True).run()
        assert figures["objects"] >= 200
        assert figures["accepted"] > figures["objects"] / 3, "many of the generated objects are good ones"

    def test_what_once_was_trouble_is_none(self, world: World) -> None:
        """The known story works also for an operator that starts when the objects already exist."""
        story = yaml.safe_load(KNOWN.read_text())
        assert Play(world, story, Figures()).troubles() == []
        for entry in story["objects"]:
            assert world.client.create(entry["manifest"], FIRST).ok
        world.stop()
        world.start()
        assert world.log.troubles() == []
        assert world.clear(FIRST) == []


class TestBroken:
    def test_an_operator_that_throws_on_a_value_is_found(self, kwok: str, tracking: Tracking) -> None:
        with World(kwok, "tests.harness.fuzz.broken", tracking) as world:
            fuzzer = Fuzzer(world, 200, seed=1, shrinking=0)
            with pytest.raises(Failed, match=r"traceback: Model/(.|\n)*RuntimeError: Automatic"):
                fuzzer.run()
        assert fuzzer.shortest is not None, "the story that is left"
