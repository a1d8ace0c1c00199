"""One run: a scenario in its own namespace, with its own operator behind its own proxy, and at most one fault."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.harness.faults import state
from tests.harness.faults.fault import Fault
from tests.harness.faults.gateways import Gateways
from tests.harness.faults.mirror import Mirror
from tests.harness.faults.operator import Forge, Operator
from tests.harness.faults.player import Player
from tests.harness.faults.scenario import Scenario
from tests.harness.faults.servers import Servers, Serving
from tests.harness.faults.stage import Stage, Stuck
from tests.support.api import Api
from tests.support.proxy import Call, Proxy, Reply
from tests.support.tracking import Tracking
from tests.support.until import until

SYSTEM, ACCOUNT = "modelyard-system", "modelyard-operator"
LABEL = "modelyard.dev/faults"
SILENCE = 2.5
"""Seconds without a write, at the end of a run."""
MOST_RESTARTS = 8
_RUN = f"f{secrets.token_hex(2)}"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Site:
    """The connections, simulated servers and settings that all runs share."""

    api: Api
    mirror: Mirror
    tracking: Tracking
    forge: Forge
    servers: Servers
    local: aiohttp.ClientSession
    folder: Path
    patience: float = 90.0
    """Longest time in seconds for one step of a scenario, under any fault."""


@contextlib.asynccontextmanager
async def open_site(tracking: Tracking, folder: Path, patience: float = 90.0) -> AsyncIterator[Site]:
    """Opens the site on the cluster that KUBECONFIG names (see ``place.prepare``)."""
    async with (
        Api() as api,
        Mirror(api) as mirror,
        Forge() as forge,
        Servers() as servers,
        aiohttp.ClientSession() as local,
    ):
        yield Site(api, mirror, tracking, forge, servers, local, folder, patience)


@dataclass
class Ended:
    """How a run ended, for the comparison with the learnt one."""

    state: dict[str, str] = field(default_factory=dict)
    created: Counter[str] = field(default_factory=Counter)
    """Masked name -> how many objects with that name were created."""
    writes: list[str] = field(default_factory=list)
    """The labels of the writes since the story began, in order."""
    refused: int = 0
    """How many of the writes the fault answered in the API server's place. The operator tries each of them again."""
    events: int = 0
    restarts: int = 0
    """How often the operator was started again."""
    wrong: list[str] = field(default_factory=list)


class Play:
    """Plays one run. ``broken`` names the rule that this run's operator breaks on purpose."""

    def __init__(self, site: Site, scenario: Scenario, fault: Fault | None = None, broken: str | None = None) -> None:
        self.site, self.scenario, self.fault, self._broken = site, scenario, fault, broken
        self.namespace = f"{_RUN}-{next(_numbers)}-{scenario.name}"
        self.folder = site.folder / self.namespace
        self.folder.mkdir(parents=True)
        self._armed = False
        self._labels: list[str] = []
        self._writes_counted: Counter[str] = Counter()
        self._label_of: dict[Call, str] = {}
        self._events = self._refused = 0
        self._wrote_at = time.monotonic()
        self._restarts, self._away, self._leads = 0, 0.0, False
        self._first: Operator | None = None
        """The leader whose lease was taken, in a run with two leaders."""
        self._spoilt: list[str] = []
        """What makes this run say nothing about the operator."""

    async def run(self, learnt: Ended | None = None) -> Ended:
        """Plays the scenario to its end; with ``learnt``, waits until the end state equals the learnt one."""
        ended = Ended()
        proxy = Proxy(self.site.api, f"system:serviceaccount:{SYSTEM}:{ACCOUNT}", _GROUPS, fault=self._on_call)
        async with self._namespace(), proxy:
            self.proxy = proxy
            if self.fault:
                proxy.opened = self.fault.opened
            self._kubeconfig = proxy.kubeconfig(self.folder)
            self.operator = Operator(self.site.forge, self._kubeconfig, self.namespace, "first")
            site = self.site
            with (
                Player(site.api, site.mirror, site.tracking, self.namespace, self._quiet) as player,
                Gateways(site.api, site.mirror, self.namespace) as gateways,
                Serving(site.api, site.mirror, self.namespace, site.servers) as serving,
            ):
                self.stage = Stage(
                    site.api, site.mirror, player, serving, self.namespace, self._active_at, site.patience
                )
                await self._start()
                keeper = asyncio.create_task(self._restart_when_ended())
                try:
                    await self._play(ended, learnt)
                except Stuck as stuck:
                    await self._record_state(ended)
                    ended.wrong.insert(0, str(stuck))
                finally:
                    if keeper.done() and (gave_up := keeper.exception()):
                        ended.wrong.append(str(gave_up))
                    keeper.cancel()
                    await self.operator.kill()
                    if self._first and not self._first.ended.is_set():
                        ended.wrong.append("the first leader, whose lease was taken, still runs")
                        await self._first.kill()
        ended.wrong += [*dict.fromkeys(gateways.wrong), *self._spoilt]
        ended.writes, ended.events, ended.restarts = self._labels, self._events, self._restarts
        ended.refused = self._refused
        return ended

    def _quiet(self) -> float:
        return self.stage.quiet()

    def _active_at(self) -> float:
        """Returns when the operator last wrote, or now while none leads: its silence then says nothing."""
        return self._wrote_at if self._leads else time.monotonic()

    async def _play(self, ended: Ended, learnt: Ended | None) -> None:
        await self.scenario.before(self.stage)
        await self.stage.calm(1)
        self._armed = True
        calls_before = len(self.proxy.calls)
        await self.scenario.story(self.stage)
        ends = time.monotonic() + self.site.patience
        while True:
            await self.stage.calm(SILENCE)
            idle = await self.operator.idle(self.site.local)
            await self._record_state(ended)
            same = learnt is None or ended.state == learnt.state
            if same and idle and not ended.wrong:
                break
            if time.monotonic() > ends:
                ended.wrong += [] if idle else ["the operator is not idle"]
                break
            await asyncio.sleep(0.5)
        ended.created = Counter(
            f"{call.plural.split('/')[0]}/{state.mask_name(call.name)}"
            for call in self.proxy.calls[calls_before:]
            if call.code == 201 and call.is_write and call.plural != "events"
        )

    async def _record_state(self, ended: Ended) -> None:
        objects = await state.objects(self.site.api, self.namespace)
        ended.state = state.masked(objects, self.namespace)
        ended.wrong = state.wrong(objects)

    # --- the operator's process -----------------------------------------------------------------------------------

    async def _start(self) -> None:
        times = self.fault.times if self.fault else {}
        self._leads = False
        await self.operator.start(times, self._broken)
        ends = time.monotonic() + self.site.patience
        while not await self.operator.leads(self.site.local):
            if self.operator.ended.is_set() or time.monotonic() > ends:
                break
            await asyncio.sleep(0.1)
        self._leads, self._wrote_at = True, time.monotonic()

    async def _restart_when_ended(self) -> None:
        """Restarts the operator whenever it has ended, killed or by itself, as the kubelet does with a container."""
        while True:
            operator = self.operator
            await operator.ended.wait()
            if operator is not self.operator:
                continue
            self._leads = False
            await asyncio.sleep(self._away)
            self._restarts, self._away = self._restarts + 1, 0.0
            if self._restarts > MOST_RESTARTS:
                raise Stuck(f"the operator ended {self._restarts} times; see {self.operator.log}")
            await self._start()

    async def crash(self, away: float = 0.0) -> None:
        """Kills the operator, which is started again after ``away`` seconds."""
        self._leads, self._away = False, away
        await self.operator.kill()

    async def change_leader(self) -> None:
        """Pauses the operator until a second one has taken its lease and has finished its work."""
        self._first = self.operator
        self._first.pause()
        self.operator = Operator(self.site.forge, self._kubeconfig, self.namespace, "second")
        await self._start()
        with contextlib.suppress(Stuck):
            await self.stage.calm(1)
        if not self._first.is_paused():
            self._spoilt.append("the first leader, which was paused, was continued or killed by somebody else")
        self._first.resume()

    # --- what passes the proxy ------------------------------------------------------------------------------------

    async def _on_call(self, when: str, call: Call) -> Reply | None:
        if not call.is_write:
            reads = self.fault is not None and self._armed and when == "before" and call.method == "GET"
            return await self.fault.read(self, call) if self.fault is not None and reads else None
        if call.plural == "events":
            # Count creations only: an Event that exists is updated, even by a new process that never sent it.
            self._events += self._armed and when == "after" and call.code == 201
            return None
        if when == "before":
            self._wrote_at = time.monotonic()
            if self._armed:
                self._label(call)
        label = self._label_of.get(call)
        if self.fault is None or label is None:
            return None
        if when == "before":
            reply = await self.fault.before(self, call, label)
            self._refused += reply is not None
            return reply
        await self.fault.after(self, call, label)
        return None

    def _label(self, call: Call) -> None:
        """Labels a write, e.g. ``patch trainingruns/status first #2`` is the second such one since the story began."""
        write = f"{call.verb} {state.mask_call(call.plural, call.name)}"
        self._writes_counted[write] += 1
        self._label_of[call] = f"{write} #{self._writes_counted[write]}"
        self._labels.append(self._label_of[call])

    # --- the namespace --------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _namespace(self) -> AsyncIterator[None]:
        api, name = self.site.api, self.namespace
        await api("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {LABEL: "yes"}}})
        installation = {"trackingURL": self.site.tracking.url, "namespaces": [name]}
        data = {"installation.yaml": json.dumps(installation)}
        await api("POST", f"/api/v1/namespaces/{name}/configmaps", {"metadata": {"name": "modelyard"}, "data": data})
        rights = "/apis/rbac.authorization.k8s.io/v1/namespaces"
        for plural in ("roles", "rolebindings"):
            installed = await api("GET", f"{rights}/{SYSTEM}/{plural}/{ACCOUNT}")
            copy = {key: value for key, value in installed.items() if key in ("rules", "roleRef", "subjects")}
            await api("POST", f"{rights}/{name}/{plural}", {"metadata": {"name": ACCOUNT}, **copy})
        await until(
            "the default ServiceAccount", lambda: api.find(f"/api/v1/namespaces/{name}/serviceaccounts/default")
        )
        try:
            yield
        finally:
            # The namespace stays: deleting it costs the API server more than a run does.
            self.site.mirror.forget(name)


_GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated")
