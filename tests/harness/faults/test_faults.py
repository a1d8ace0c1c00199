"""A sample of what ``make faults`` tries, and proof that it can fail."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.faults.campaign import Campaign, Point
from tests.harness.faults.faults import FAULTS
from tests.harness.faults.place import prepare
from tests.harness.faults.play import open_site
from tests.support.tracking import Tracking

pytestmark = pytest.mark.kwok
SCENARIOS, POINTS, SEED = ("main", "canary"), 20, 7


@pytest.fixture(scope="module")
def tracking(kwok: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    folder = tmp_path_factory.mktemp("faults")
    prepare(kwok, folder)
    with Tracking(folder / "tracking") as made:
        yield made


async def test_sampled_faults_change_nothing_in_the_end(kwok: str, tracking: Tracking, tmp_path: Path) -> None:
    async with open_site(tracking, tmp_path) as site:
        campaign = Campaign(site, kwok, slots=10)
        await campaign.learn(SCENARIOS)
        points = campaign.points(list(FAULTS), sample=2, seed=SEED)
        await campaign.go(random.Random(SEED).sample(points, POINTS))
        assert sum(one.happened for one in campaign.tried) > POINTS * 0.8
        # What a busy machine did to a run it doesn't do twice; a defect does.
        campaign.tried, suspects = [], [one.point for one in campaign.tried if one.wrong]
        await campaign.go(suspects)
    assert {str(one.point): one.wrong for one in campaign.tried if one.wrong} == {}


async def _found(kwok: str, tracking: Tracking, folder: Path, rule: str, scenario: str, fault: str, at: str) -> str:
    """What is wrong with a run of an operator that breaks this rule, and with no other."""
    async with open_site(tracking, folder, patience=30) as site:
        campaign = Campaign(site, kwok, slots=2)
        await campaign.learn([scenario])
        point = Point(scenario, fault, at)
        await campaign.go([point])
        assert [one.wrong for one in campaign.tried] == [[]], "the operator as it is converges"
        campaign.broken = rule
        await campaign.go([point])
    return "\n".join(campaign.tried[-1].wrong)


async def test_names_that_are_not_deterministic_are_found(kwok: str, tracking: Tracking, tmp_path: Path) -> None:
    at = "create jobs first-train-# #1"
    wrong = await _found(kwok, tracking, tmp_path, "random-names", "main", "two leaders: late write", at)
    assert "jobs/first-train-# was made 2 times, not 1" in wrong


async def test_a_list_that_is_not_trusted_is_found(kwok: str, tracking: Tracking, tmp_path: Path) -> None:
    """The Service is deleted in the gap: only a list that lacks it can tell."""
    at = "services at apply deployments species-v1 #1"
    wrong = await _found(kwok, tracking, tmp_path, "lists-not-trusted", "children", "watch: gap", at)
    assert "not within 30 s: services is back" in wrong
