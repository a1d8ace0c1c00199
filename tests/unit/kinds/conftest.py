"""Provides a witness that records every state of our objects in a test's worlds, with kstatus's verdict on each."""

from __future__ import annotations

from itertools import groupby

import pytest

from modelyard.engine.resource import Object, Resource
from tests.support.kstatus import Kstatus
from tests.unit.kinds.world import Slot, World


class Witness:
    def __init__(self, kstatus: Kstatus) -> None:
        self.kstatus = kstatus
        self.states: list[tuple[Slot, Object, str]] = []
        """Each state with its verdict, in the order in which the states were written."""

    def saw(self, slot: Slot, obj: Object) -> None:
        self.states.append((slot, obj, self.verdict(slot[0], obj)))

    def verdict(self, resource: Resource, obj: Object) -> str:
        return self.kstatus.of({**obj, "apiVersion": resource.api_version, "kind": resource.kind}).status

    def verdicts(self, resource: Resource, name: str) -> list[str]:
        """Returns the verdicts on one object, without repetitions."""
        verdicts = [verdict for slot, _, verdict in self.states if slot[0] == resource and slot[2] == name]
        return [verdict for verdict, _ in groupby(verdicts)]


@pytest.fixture
def witness(kstatus: Kstatus, monkeypatch: pytest.MonkeyPatch) -> Witness:
    witness, keep = Witness(kstatus), World._keep

    def watched(world: World, slot: Slot, obj: Object) -> Object:
        kept = keep(world, slot, obj)
        if slot[0] in world.controllers:
            witness.saw(slot, kept)
        return kept

    monkeypatch.setattr(World, "_keep", watched)
    return witness
