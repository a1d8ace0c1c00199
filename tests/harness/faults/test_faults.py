"""A sample of what ``make faults`` tries, and a proof that the harness detects broken rules."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.common.say import say
from tests.harness.faults import sample
from tests.harness.faults.campaign import Campaign, Point
from tests.harness.faults.faults import FAULTS
from tests.harness.faults.play import open_site
from tests.support import changes
from tests.support.seed import seed
from tests.support.tracking import Tracking

pytestmark = [pytest.mark.kwok, pytest.mark.asyncio(loop_scope="session")]
POINTS = 20
"""Points tried every day, from two scenarios, whatever was changed."""
BROKEN = ("main", "children")
"""The scenarios in which the broken rules are detected."""


@pytest.fixture(scope="session")
def drawn() -> list[str]:
    touched = changes.touched_kinds(changes.files())
    scenarios = sample.scenarios(seed(), touched)
    say(f"faults in {' and '.join(scenarios)}; changed were {', '.join(sorted(touched)) or 'no kinds'}")
    return scenarios


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def campaign(
    played: str, tracking: Tracking, drawn: list[str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Campaign]:
    """Learns each scenario once, all at the same time."""
    async with open_site(tracking, tmp_path_factory.mktemp("faults")) as site:
        learnt = Campaign(site, played, slots=10)
        await learnt.learn(sorted({*drawn, *BROKEN}))
        yield learnt


async def test_sampled_faults_change_nothing_in_the_end(campaign: Campaign, drawn: list[str]) -> None:
    points = [point for point in campaign.points(list(FAULTS), 2, seed()) if point.scenario in drawn]
    await campaign.go(random.Random(seed()).sample(points, POINTS))
    assert sum(run.happened for run in campaign.tried) > POINTS * 0.8
    # Try failed points again: a busy machine rarely spoils the same run twice, a defect does.
    suspects = [run.point for run in campaign.tried if run.wrong]
    campaign.tried.clear()
    await campaign.go(suspects)
    assert {str(run.point): run.wrong for run in campaign.tried if run.wrong} == {}


async def _failure(campaign: Campaign, rule: str, scenario: str, fault: str, at: str) -> str:
    """Returns what is wrong with a run whose operator breaks this rule; the same run must converge without it."""
    point = Point(scenario, fault, at)
    whole = Campaign(replace(campaign.site, patience=30), campaign.cluster, 2, learnt=campaign.learnt)
    broken = replace(whole, broken=rule, tried=[])
    await whole.go([point])
    assert [run.wrong for run in whole.tried] == [[]], "the operator as it is converges"
    await broken.go([point])
    return "\n".join(broken.tried[-1].wrong)


async def test_names_that_are_not_deterministic_are_found(campaign: Campaign) -> None:
    at = "create jobs first-train-# #1"
    wrong = await _failure(campaign, "random-names", "main", "two leaders: late write", at)
    assert "jobs/first-train-# was made 2 times, not 1" in wrong


async def test_a_list_that_is_not_trusted_is_found(campaign: Campaign) -> None:
    """The Service is deleted in the watch's gap, so that only a list without it can show the deletion."""
    at = "services at apply deployments species-v1 #1"
    wrong = await _failure(campaign, "lists-not-trusted", "children", "watch: gap", at)
    assert "not within 30 s: Service is back" in wrong
