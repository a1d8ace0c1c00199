"""Plays one story against the API server, and returns the defects that the operator shows."""

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
"""Seconds within which the operator has to report on an object."""
CANARY_PATIENCE = 5.0


class Figures:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.canaries: list[float] = []


class Play:
    def __init__(self, world: World, story: Object, figures: Figures) -> None:
        self._world, self._client, self._figures = world, world.client, figures
        self._objects, self._asks_canaries = story["objects"], story["canaries"]
        # A deleted object may leave a lasting mark on others, so such a story can't be compared with fresh objects.
        edited = any(entry.get("edits") for entry in self._objects)
        self._fresh = edited and not any("gone" in entry for entry in self._objects)
        self._accepted: list[Object] = []
        """The story's entries whose manifests the API server accepted and the story hasn't deleted yet."""
        self._ended: set[tuple[str, str]] = set()

    def troubles(self) -> list[str]:
        """Plays the story up to its first defects, removes its objects, and returns the defects."""
        world = self._world
        if world.operator.process.poll() is not None:
            world.start()
        troubles: list[str] = []
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
                troubles += part()
                troubles += world.log.troubles()
                if world.operator.process.poll() is not None:
                    return [*troubles, f"the operator ended with exit code {world.operator.process.returncode}"]
                if troubles:
                    return troubles
            return troubles
        finally:
            if troubles:
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
        """Edits objects from A to B and back to A, and compares them with an A that was never edited."""
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
                    # The object has started meanwhile, and its spec can't change any more.
                    yield from oracle.refusal(answer)
                    return
            yield from self._settle(FIRST)
            # After a conflict Kubernetes' autoscaler writes its replicas once more, over any edit in between
            # (horizontal.go, RetryOnConflict). So edit once again: an autoscaler that still exists shows below.
            back = [entry for entry in edited if self._scaled_after(entry)]
            if not back:
                break
        if self._fresh:
            yield from self._settle(FRESH)
            yield from self._same()

    def _scaled_after(self, entry: Object) -> bool:
        obj, spec = self._live(entry), entry["manifest"]["spec"]
        if obj is None or "autoscaling" in spec or not oracle.is_scaled(obj):
            return False
        return bool(obj["spec"]["replicas"] != spec.get("replicas", 1))

    def _same(self) -> Iterator[str]:
        differs: list[str] = []

        def is_same() -> bool:
            children = {
                namespace: [child for resource in CHILDREN for child in self._client.items(resource, namespace)]
                for namespace in (FIRST, FRESH)
            }
            differs.clear()
            for entry in self._accepted:
                kind, name = entry["manifest"]["kind"], entry["manifest"]["metadata"]["name"]
                pair = [self._client.get(BY_KIND[kind], namespace, name) for namespace in (FIRST, FRESH)]
                if not all(pair) or oracle.keeps_what_was({**pair[1], "kind": kind}):
                    continue
                both = [(obj, children[namespace], namespace) for obj, namespace in zip(pair, children, strict=True)]
                counted = not any(oracle.has_older_pods(obj, owned) for obj, owned, _ in both)
                states = [oracle.state(*each, counted) for each in both]
                differs.extend(f"A -> B -> A is not A: {kind}/{name}{line}" for line in oracle.differences(*states))
            return not differs

        self._world.until(PATIENCE, is_same, 0.2)
        self._figures.counts["compared"] += 1
        yield from differs

    def _canaries(self) -> Iterator[str]:
        """A new object of each kind in another namespace must be reported on soon: the queue isn't blocked."""
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

        def all_reported() -> bool:
            for kind, canary in list(waiting.items()):
                obj = self._client.get(BY_KIND[kind], CANARIES, canary["metadata"]["name"])
                if obj and oracle.is_reported(obj):
                    self._figures.canaries.append(time.monotonic() - began)
                    self._client.delete(canary, CANARIES)
                    del waiting[kind]
            return not waiting

        self._world.until(CANARY_PATIENCE, all_reported, 0.02)
        for kind, canary in waiting.items():
            yield f"the queue is blocked: a new {kind} was told nothing within {CANARY_PATIENCE:.0f} s"
            self._client.delete(canary, CANARIES)

    def _end_pods(self) -> Iterator[str]:
        """Ends the pods of some Jobs, as the story's outcomes say."""
        jobs = self._client.items(BY_KIND["Job"], FIRST)
        waits = []
        for entry in self._accepted:
            outcome = entry.get("outcome")
            owner = self._live(entry)
            if not outcome or not owner:
                continue
            for job in jobs:
                if oracle.owns(owner, job) and pods.end(self._world, job, outcome):
                    self._figures.counts["pods_ended"] += 1
                    self._ended.add((owner["kind"], owner["metadata"]["name"]))
                    waits.append((owner, job["metadata"]["name"]))
        for owner, job in waits:
            yield from self._await_outcome(owner, job)
        if waits:
            yield from self._settle(FIRST)

    def _await_outcome(self, owner: Object, job: str) -> Iterator[str]:
        """Waits until the owner's status reflects the end of its Job."""
        about = f"{owner['kind']}/{owner['metadata']['name']}"

        def over() -> bool:
            obj = self._client.get(BY_KIND["Job"], FIRST, job)
            return obj is None or pods.is_over(obj)

        if not self._world.until(8, over):
            return  # Kubernetes tries another pod of the Job later, after a pause of its own.

        def understood() -> bool:
            now = self._client.get(BY_KIND[owner["kind"]], FIRST, owner["metadata"]["name"])
            if now is None or now["metadata"]["uid"] != owner["metadata"]["uid"]:
                return True
            return SAMPLES[owner["kind"]].has_understood(now, job)

        if not self._world.until(PATIENCE, understood):
            now = self._client.get(BY_KIND[owner["kind"]], FIRST, owner["metadata"]["name"]) or {}
            yield f"{about}: Job {job} is over, and nothing came of it: {oracle.condition(now)}"

    def _late(self) -> Iterator[str]:
        """Edits objects whose Jobs have ended."""
        late = [entry for entry in self._accepted if "late" in entry and self._live(entry)]
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

    def _count(self, action: str, answer: Answer, manifest: Object) -> Iterator[str]:
        self._figures.counts["sent"] += action == "created"
        outcome = "accepted" if answer.ok else f"refused {answer.code}"
        self._figures.counts[f"{action} {outcome}"] += 1
        self._figures.counts[f"{manifest['kind']} {outcome}"] += 1
        for trouble in oracle.refusal(answer):
            yield f"{manifest['kind']}/{manifest['metadata'].get('name')}: {trouble}"

    def _settle(self, namespace: str) -> Iterator[str]:
        """Waits until the operator has reported on all accepted objects and is idle; yields bad conditions."""

        def all_reported() -> bool:
            live[:] = [obj for entry in self._accepted if (obj := self._live(entry, namespace))]
            return all(oracle.is_reported(obj) for obj in live) and self._world.operator.idle()

        live: list[Object] = []
        self._world.until(PATIENCE, all_reported)
        for obj in live:
            yield from oracle.bad_conditions(obj, (obj["kind"], obj["metadata"]["name"]) in self._ended)

    def _live(self, entry: Object, namespace: str = FIRST) -> Object | None:
        """Returns the entry's current object; None if it is gone or in deletion, perhaps with its owner."""
        manifest = entry["manifest"]
        obj = self._client.get(BY_KIND[manifest["kind"]], namespace, manifest["metadata"]["name"])
        return {**obj, "kind": manifest["kind"]} if obj and "deletionTimestamp" not in obj["metadata"] else None

    def _remove(self, entry: Object) -> None:
        self._accepted.remove(entry)
        self._client.delete(copy.deepcopy(entry["manifest"]), FIRST)


def _named(objects: list[Object]) -> str:
    return ", ".join(
        f"{obj['kind']}/{obj['metadata']['name']} {obj['metadata'].get('finalizers') or ''}".strip() for obj in objects
    )
