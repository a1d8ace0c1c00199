"""Checks that many objects in one namespace don't delay another namespace."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from modelyard.engine.client import ApiClient, configuration
from modelyard.engine.conditions import holds
from modelyard.engine.resource import MODELS
from tests.localcluster import access
from tests.support.at_once import at_once
from tests.support.kube import Kube
from tests.support.namespace import new_namespace
from tests.support.operator import Operator
from tests.support.played import SYSTEM, install_rights

pytestmark = [pytest.mark.kwok, pytest.mark.quiet]
OBJECTS, DELAY = 5000, 2.0
"""5000 objects in one namespace delay an object of another one by at most 2 seconds."""


@pytest.fixture
def operator(kwok: str, tmp_path: Path) -> Iterator[Operator]:
    operator = Operator(install_rights(kwok, "http://127.0.0.1:1", tmp_path, ()), SYSTEM, tmp_path / "log")
    os.environ["KUBECONFIG"] = str(access.kubeconfig(kwok))
    yield operator
    if operator.process.poll() is None:
        operator.stop()


async def test_many_objects_of_one_namespace_do_not_delay_another(kwok: str, operator: Operator) -> None:
    with new_namespace(kwok) as crowd, new_namespace(kwok) as other:
        async with connected() as client:
            operator.start()
            await asyncio.to_thread(operator.until, "the operator leads", operator.idle)
            alone = [await seconds_until_ready(client, other) for _ in range(5)]
            await asyncio.to_thread(operator.stop)
            await at_once(OBJECTS, 8, lambda number: create(client, crowd, f"model-{number}"))
            operator.start()
            await asyncio.to_thread(operator.until, "the operator leads", operator.ready)
            beside = [await seconds_until_ready(client, other)]
            while not operator.idle():
                beside.append(await seconds_until_ready(client, other))
            await asyncio.to_thread(operator.stop)
    assert len(beside) >= 3, "it was asked while the crowd was worked on"
    assert max(beside) - statistics.median(alone) <= DELAY, (alone, beside)


@asynccontextmanager
async def connected() -> AsyncIterator[ApiClient]:
    client = ApiClient(await configuration())
    try:
        yield client
    finally:
        await client.close()


async def create(client: ApiClient, kube: Kube, name: str) -> None:
    metadata = {"namespace": kube.namespace, "name": name}
    await client.create(MODELS, {"metadata": metadata, "spec": {"task": "Classification"}})


async def seconds_until_ready(client: ApiClient, kube: Kube) -> float:
    name = f"one-{uuid.uuid4().hex[:8]}"
    began = time.monotonic()
    await create(client, kube, name)
    while not holds(await client.get(MODELS, kube.namespace, name), "Ready"):
        assert time.monotonic() - began < 60, "its condition Ready, in a minute"
        await asyncio.sleep(0.02)
    return time.monotonic() - began
