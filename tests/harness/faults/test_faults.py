"""A sample of what ``make faults`` tries, and proof that it can fail."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.harness.faults import sample
from tests.harness.faults.campaign import Campaign, Point
from tests.harness.faults.faults import FAULTS
from tests.harness.faults.play import open_site
from tests.localcluster.say import say
from tests.support import changes
from tests.support.seed import seed
from tests.support.tracking import Tracking

pytestmark = [pytest.mark.kwok, pytest.mark.asyncio(loop_scope="session")]
POINTS = 20
"""As many every day, of two scenarios, whatever was changed."""
BROKEN = ("main", "children")
"""The scenarios in which broken rules are found."""


@pytest.fixture(scope="session")
def drawn() -> list[str]:
    touched = changes.touched_kinds(changes.files())
    found = sample.scenarios(seed(), touched)
    say(f"faults in {' and '.join(found)}; changed were {', '.join(sorted(touched)) or 'no kinds'}")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def campaign(
    played: str, tracking: Tracking, drawn: list[str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Campaign]:
    """Each scenario is learnt once, all at the same time."""
    async with open_site(tracking, tmp_path_factory.mktemp("faults")) as site:
        made = Campaign(site, played, slots=10)
        await made.learn(sorted({*drawn, *BROKEN}))
        yield made


async def test_sampled_faults_change_nothing_in_the_end(campaign: Campaign, drawn: list[str]) -> None:
    points = [point for point in campaign.points(list(FAULTS), 2, seed()) if point.scenario in drawn]
    await campaign.go(random.Random(seed()).sample(points, POINTS))
    assert sum(one.happened for one in campaign.tried) > POINTS * 0.8
    # What a busy machine did to a run it doesn't do twice; a defect does.
    suspects = [one.point for one in campaign.tried if one.wrong]
    campaign.tried.clear()
    await campaign.go(suspects)
    assert {str(one.point): one.wrong for one in campaign.tried if one.wrong} == {}


async def _found(campaign: Campaign, rule: str, scenario: str, fault: str, at: str) -> str:
    """What is wrong with a run of an operator that breaks this rule, and with no other."""
    point = Point(scenario, fault, at)
    whole = Campaign(replace(campaign.site, patience=30), campaign.cluster, 2, learnt=campaign.learnt)
    broken = replace(whole, broken=rule, tried=[])
    await whole.go([point])
    assert [one.wrong for one in whole.tried] == [[]], "the operator as it is converges"
    await broken.go([point])
    return "\n".join(broken.tried[-1].wrong)


async def test_names_that_are_not_deterministic_are_found(campaign: Campaign) -> None:
    at = "create jobs first-train-# #1"
    wrong = await _found(campaign, "random-names", "main", "two leaders: late write", at)
    assert "jobs/first-train-# was made 2 times, not 1" in wrong


async def test_a_list_that_is_not_trusted_is_found(campaign: Campaign) -> None:
    """The Service is deleted in the gap: only a list that lacks it can tell."""
    at = "services at apply deployments species-v1 #1"
    wrong = await _found(campaign, "lists-not-trusted", "children", "watch: gap", at)
    assert "not within 30 s: Service is back" in wrong
