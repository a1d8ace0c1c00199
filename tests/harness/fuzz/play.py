"""Tells one story to the API server, and gives the troubles that the operator has with it."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from modelyard_api.kinds.registry import KINDS
from tests.harness.fuzz import oracle, pods
from tests.harness.fuzz.client import BY_KIND, CHILDREN
from tests.harness.fuzz.world import CANARIES, FIRST, FRESH, World
from tests.kinds import SAMPLES
from tests.support.client import Answer

Object = dict[str, Any]

PATIENCE = 15.0
"""Seconds within which the operator has to have said something."""
CANARY_PATIENCE = 5.0


class Figures:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.canaries: list[float] = []


class Play:
    def __init__(self, world: World, story: Object, figures: Figures) -> None:
        self._world, self._client, self._figures = world, world.client, figures
        self._objects, self._asks_canaries = story["objects"], story["canaries"]
        # What was there and has gone may leave its mark on others.
        self._fresh = any(one.get("edits") for one in self._objects) and not any("gone" in one for one in self._objects)
        self._accepted: list[Object] = []
        """The story's entries whose manifests were taken, as long as they are not deleted."""
        self._ended: set[tuple[str, str]] = set()

    def troubles(self) -> list[str]:
        """All of them; what the story made is gone afterwards."""
        world = self._world
        if world.operator.process.poll() is not None:
            world.start()
        found: list[str] = []
        try:
            for part in (
                self._create,
                self._edit,
                self._canaries,
                self._end_pods,
                self._late,
                self._delete,
                world.touched,
            ):
                found += part()
                found += world.log.troubles()
                if world.operator.process.poll() is not None:
                    return [*found, f"the operator ended with exit code {world.operator.process.returncode}"]
                if found:
                    return found
            return found
        finally:
            if found:
                if world.operator.process.poll() is not None:
                    world.start()
                world.log.troubles()
                for namespace in (FIRST, FRESH):
                    world.clear(namespace)
                world.log.troubles()

    # --- the parts --------------------------------------------------------------------------------------------------

    def _create(self) -> Iterator[str]:
        early: list[Object] = []
        for entry in self._objects:
            manifest = entry["manifest"]
            answer = self._client.create(manifest, FIRST)
            yield from self._count("created", answer, manifest)
            if answer.ok:
                self._accepted.append(entry)
                if self._fresh:
                    self._client.create(manifest, FRESH)
                if "gone" in entry:
                    early.append(entry)
            if len(early) > 1:
                self._remove(early.pop(0))
        for entry in early:
            self._remove(entry)
        yield from self._settle(FIRST)

    def _edit(self) -> Iterator[str]:
        """A -> B -> A, to be compared with an A that was never anything else."""
        edited = [entry for entry in self._accepted if entry.get("edits")]
        if not edited:
            return
        for entry in edited:
            manifest = entry["manifest"]
            for spec in entry["edits"]:
                answer = self._client.replace_spec(manifest, spec, FIRST)
                yield from self._count("edited", answer, {**manifest, "spec": spec})
                if answer.ok:
                    yield from self._settle(FIRST)
        back = edited
        for _ in range(2):
            for entry in back:
                answer = self._client.replace_spec(entry["manifest"], entry["manifest"]["spec"], FIRST)
                if not answer.ok:
                    # It has started meanwhile, and can't go back.
                    yield from oracle.refusal(answer)
                    return
            yield from self._settle(FIRST)
            # Kubernetes' autoscaler that meets a conflict writes its number once more, over whatever came in between
            # (horizontal.go, RetryOnConflict). By now it is gone: if it is not, that shows below.
            back = [entry for entry in edited if self._scaled_after(entry)]
            if not back:
                break
        if self._fresh:
            yield from self._settle(FRESH)
            yield from self._same()

    def _scaled_after(self, entry: Object) -> bool:
        there, spec = self._there(entry), entry["manifest"]["spec"]
        if there is None or "autoscaling" in spec or not oracle.is_scaled(there):
            return False
        return bool(there["spec"]["replicas"] != spec.get("replicas", 1))

    def _same(self) -> Iterator[str]:
        differs: list[str] = []

        def compared() -> bool:
            children = {
                namespace: [one for resource in CHILDREN for one in self._client.items(resource, namespace)]
                for namespace in (FIRST, FRESH)
            }
            differs.clear()
            for entry in self._accepted:
                kind, name = entry["manifest"]["kind"], entry["manifest"]["metadata"]["name"]
                pair = [self._client.get(BY_KIND[kind], namespace, name) for namespace in (FIRST, FRESH)]
                if not all(pair) or oracle.keeps_what_was({**pair[1], "kind": kind}):
                    continue
                states = [
                    oracle.state(one, children[where], where) for one, where in zip(pair, (FIRST, FRESH), strict=True)
                ]
                differs.extend(f"A -> B -> A is not A: {kind}/{name}{line}" for line in oracle.differences(*states))
            return not differs

        self._world.until(PATIENCE, compared, 0.2)
        self._figures.counts["compared"] += 1
        yield from differs

    def _canaries(self) -> Iterator[str]:
        """An object of each kind, in another namespace, is told something soon."""
        if not self._asks_canaries:
            return
        began = time.monotonic()
        number = self._world.next_canary()
        waiting = {}
        for kind in KINDS:
            canary = SAMPLES[kind].beside(number)
            answer = self._client.create(canary, CANARIES)
            assert answer.ok, answer.message
            waiting[kind] = canary

        def all_told() -> bool:
            for kind, canary in list(waiting.items()):
                there = self._client.get(BY_KIND[kind], CANARIES, canary["metadata"]["name"])
                if there and oracle.is_told(there):
                    self._figures.canaries.append(time.monotonic() - began)
                    self._client.delete(canary, CANARIES)
                    del waiting[kind]
            return not waiting

        self._world.until(CANARY_PATIENCE, all_told, 0.02)
        for kind, canary in waiting.items():
            yield f"the queue is blocked: a new {kind} was told nothing within {CANARY_PATIENCE:.0f} s"
            self._client.delete(canary, CANARIES)

    def _end_pods(self) -> Iterator[str]:
        """Some Jobs' pods end, with something in the store."""
        jobs = self._client.items(BY_KIND["Job"], FIRST)
        waits = []
        for entry in self._accepted:
            outcome = entry.get("outcome")
            there = self._there(entry)
            if not outcome or not there:
                continue
            for job in jobs:
                if oracle.owns(there, job) and pods.end(self._world, job, outcome):
                    self._figures.counts["pods_ended"] += 1
                    self._ended.add((there["kind"], there["metadata"]["name"]))
                    waits.append((there, job["metadata"]["name"]))
        for there, job in waits:
            yield from self._awaited(there, job)
        if waits:
            yield from self._settle(FIRST)

    def _awaited(self, owner: Object, job: str) -> Iterator[str]:
        """What its Job's end means was understood."""
        about = f"{owner['kind']}/{owner['metadata']['name']}"

        def over() -> bool:
            found = self._client.get(BY_KIND["Job"], FIRST, job)
            return found is None or pods.is_over(found)

        if not self._world.until(8, over):
            return  # It is tried again later: another pod, after a pause of Kubernetes' own.

        def understood() -> bool:
            now = self._client.get(BY_KIND[owner["kind"]], FIRST, owner["metadata"]["name"])
            if now is None or now["metadata"]["uid"] != owner["metadata"]["uid"]:
                return True
            return SAMPLES[owner["kind"]].has_understood(now, job)

        if not self._world.until(PATIENCE, understood):
            now = self._client.get(BY_KIND[owner["kind"]], FIRST, owner["metadata"]["name"]) or {}
            yield f"{about}: Job {job} is over, and nothing came of it: {oracle.condition(now)}"

    def _late(self) -> Iterator[str]:
        """Edits of what has run."""
        late = [entry for entry in self._accepted if "late" in entry and self._there(entry)]
        for entry in late:
            manifest = {**entry["manifest"], "spec": entry["late"]}
            yield from self._count("edited", self._client.replace_spec(manifest, entry["late"], FIRST), manifest)
        if late:
            yield from self._settle(FIRST)

    def _delete(self) -> Iterator[str]:
        for entry in reversed(list(self._accepted)):
            self._remove(entry)
        for namespace in (FIRST, FRESH) if self._fresh else (FIRST,):
            if left := self._world.clear(namespace):
                yield f"what was deleted is not gone: {_named(left)}"

    # --- what they share --------------------------------------------------------------------------------------------

    def _count(self, what: str, answer: Answer, manifest: Object) -> Iterator[str]:
        self._figures.counts["sent"] += what == "created"
        outcome = "accepted" if answer.ok else f"refused {answer.code}"
        self._figures.counts[f"{what} {outcome}"] += 1
        self._figures.counts[f"{manifest['kind']} {outcome}"] += 1
        for trouble in oracle.refusal(answer):
            yield f"{manifest['kind']}/{manifest['metadata'].get('name')}: {trouble}"

    def _settle(self, namespace: str) -> Iterator[str]:
        """Everything accepted is told something, and the operator has nothing left to do."""

        def all_told() -> bool:
            there[:] = [one for entry in self._accepted if (one := self._there(entry, namespace))]
            return all(oracle.is_told(one) for one in there) and self._world.operator.idle()

        there: list[Object] = []
        self._world.until(PATIENCE, all_told)
        for one in there:
            yield from oracle.told(one, (one["kind"], one["metadata"]["name"]) in self._ended)

    def _there(self, entry: Object, namespace: str = FIRST) -> Object | None:
        """The object as it is; None where it goes or has gone with its owner."""
        manifest = entry["manifest"]
        found = self._client.get(BY_KIND[manifest["kind"]], namespace, manifest["metadata"]["name"])
        return (
            found and {**found, "kind": manifest["kind"]}
            if found and "deletionTimestamp" not in found["metadata"]
            else None
        )

    def _remove(self, entry: Object) -> None:
        self._accepted.remove(entry)
        self._client.delete(copy.deepcopy(entry["manifest"]), FIRST)


def _named(objects: list[Object]) -> str:
    return ", ".join(
        f"{one['kind']}/{one['metadata']['name']} {one['metadata'].get('finalizers') or ''}".strip() for one in objects
    )
