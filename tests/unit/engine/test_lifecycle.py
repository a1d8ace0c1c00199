"""Checks the operator's process, started by python or by kopf: it works, ends well, and fails where kopf must stop."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from modelyard.engine.lifecycle import Endless, WrongFlags, agree
from modelyard.engine.resource import MODELS
from modelyard.kinds import all_controllers
from modelyard_api.installation import Installation
from tests.common.ports import free_port
from tests.support.until import until
from tests.unit.engine.api import Api, error, event
from tests.unit.engine.objects import widget
from tests.unit.engine.server import serving

COMMANDS = {
    "python": ["-m", "modelyard.main"],
    "kopf": ["-m", "kopf", "run", "-m", "modelyard.main", "--all-namespaces"],
}

FLOOD = 2000
"""Events that keep kopf busy for seconds."""


class Operator:
    def __init__(self, url: str, folder: Path) -> None:
        self._port = free_port()
        config = {
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url}}],
            "users": [{"name": "test", "user": {"token": "secret"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        self.log = folder / "log"
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "PORT": str(self._port), "POD_NAME": "me"}
        self.process: asyncio.subprocess.Process

    async def start(self, *argv: str) -> None:
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, *argv, env=self._environment, stdout=log, stderr=log
            )

    async def leads(self) -> bool:
        assert self.process.returncode is None, self.log.read_text()
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self._port}/readyz") as page:
                return (await page.text()).startswith("leading")
        except aiohttp.ClientError:
            return False

    async def ended(self, seconds: float) -> int:
        async with asyncio.timeout(seconds):
            return await self.process.wait()


@pytest.fixture
async def api() -> Api:
    return Api(*(controller.resource for controller in all_controllers(Installation())))


@pytest.fixture
async def operator(api: Api, tmp_path: Path) -> AsyncIterator[Operator]:
    async with serving(api) as url:
        operator = Operator(url, tmp_path)
        yield operator
        if operator.process.returncode is None:
            operator.process.kill()
            await operator.process.wait()


@pytest.mark.parametrize("argv", COMMANDS.values(), ids=list(COMMANDS))
async def test_it_works_and_ends_well_either_way(api: Api, operator: Operator, argv: list[str]) -> None:
    await operator.start(*argv)
    await until("it leads", operator.leads, 60)

    async def watched() -> bool:
        return len(api.watched_from) >= len(all_controllers(Installation()))

    await until("all is watched", watched, 30)
    api.tell(MODELS, event("ADDED", widget("m", 11, metadata={"generation": 1}, spec={"task": "Classification"})))

    async def status_written() -> Any:
        return [call for call in api.writes if call.plural == "models/status" and call.name == "m"]

    await until("its status is written", status_written, 30)
    assert {key for query in api.queries for key in query} >= {"resourceVersion"}
    assert "secret" not in operator.log.read_text()
    operator.process.send_signal(signal.SIGTERM)
    assert await operator.ended(30) == 0
    assert api.lease
    assert api.lease["spec"]["holderIdentity"] == ""
    assert "ending at once" not in operator.log.read_text()


@pytest.mark.parametrize("argv", COMMANDS.values(), ids=list(COMMANDS))
async def test_an_error_that_kopf_does_not_survive_is_a_restart(api: Api, operator: Operator, argv: list[str]) -> None:
    await operator.start(*argv)
    await until("it leads", operator.leads, 60)

    async def watched() -> bool:
        return bool(api.watched_from["models"])

    await until("kopf watches", watched, 30)
    api.tell(MODELS, error(500))
    assert await operator.ended(30) == 1
    assert "ending at once" not in operator.log.read_text()
    await operator.start(*argv)
    await until("it leads again", operator.leads, 60)


async def test_it_ends_well_while_kopf_takes_events(api: Api, operator: Operator) -> None:
    """kopf forgets a task of each watch that it stops at such a moment."""
    await operator.start(*COMMANDS["python"])
    await until("it leads", operator.leads, 60)

    async def watched() -> bool:
        return len(api.watched_from) >= len(all_controllers(Installation()))

    await until("all is watched", watched, 30)
    for number in range(FLOOD):
        api.tell(MODELS, event("ADDED", widget(f"m{number}", 11 + number)))
    operator.process.send_signal(signal.SIGTERM)
    assert await operator.ended(60) == 0
    assert "ending at once" not in operator.log.read_text()
    assert "closing of asynchronous generator" not in operator.log.read_text()


async def test_it_ends_well_before_it_leads(api: Api, operator: Operator) -> None:
    api.lease = {
        "metadata": {"resourceVersion": "1"},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 60},
    }
    await operator.start(*COMMANDS["python"])

    async def stands_by() -> bool:
        return "standing by" in operator.log.read_text()

    await until("it stands by", stands_by, 60)
    operator.process.send_signal(signal.SIGTERM)
    assert await operator.ended(30) == 0
    assert api.lease["spec"]["holderIdentity"] == "another"


async def test_flags_that_hide_a_namespace_are_refused(operator: Operator) -> None:
    await operator.start("-m", "kopf", "run", "-m", "modelyard.main", "-n", "one")
    assert await operator.ended(60) == 1
    assert "run it with --all-namespaces" in operator.log.read_text()


@pytest.mark.parametrize(
    ("installed", "all_watched", "watched", "warning"),
    [
        ((), True, (), ""),
        (("a", "b"), False, ("b", "a"), ""),
        (("a",), True, (), "kopf watches all namespaces; the installation says that a are worked in, and no other"),
        (("a",), False, ("a", "b"), "kopf watches the namespaces a, b; the installation says that a .*"),
    ],
)
def test_the_installation_says_where_it_works(
    installed: tuple[str, ...], all_watched: bool, watched: tuple[str, ...], warning: str
) -> None:
    assert re.fullmatch(warning, agree(installed, all_watched, watched))


@pytest.mark.parametrize(
    ("installed", "watched", "says"),
    [
        ((), ("a",), "names all namespaces, kopf was told -n a: run it with --all-namespaces"),
        ((), (), "names all namespaces, kopf was told no namespace: run it with --all-namespaces"),
        (("a", "b"), ("a",), "names the namespaces a, b, kopf was told -n a: run it with -n a -n b"),
    ],
)
def test_kopf_must_see_all_of_them(installed: tuple[str, ...], watched: tuple[str, ...], says: str) -> None:
    with pytest.raises(WrongFlags, match=says):
        agree(installed, False, watched)


def test_each_request_is_tried_from_the_beginning_and_for_ever() -> None:
    backoffs = Endless()
    for _ in range(2):
        assert list(itertools.islice(backoffs, 100)) == [1, 2, 5] + [10] * 97
