"""Wires a Model's observe and decide into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import MODEL_VERSIONS, MODELS, TRAINING_RUNS, Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.kinds.model.decide import decide
from modelyard.kinds.model.observe import View, observe
from modelyard.workload.indexes import by_model


def _unregistered(run: Object) -> Iterable[str]:
    """A run that has trained, and whose version isn't in its outputs yet."""
    ref = run["spec"].get("modelRef")
    outputs = (run.get("status") or {}).get("outputs") or {}
    waits = ref and kstatus.holds(run, "Trained") and not outputs.get("modelVersion")
    return (f"{run['metadata']['namespace']}/{ref['name']}",) if waits else ()


class ModelController:
    resource = MODELS
    watches: tuple[Resource, ...] = (TRAINING_RUNS, MODEL_VERSIONS)

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {TRAINING_RUNS: {"unregistered": _unregistered}, MODEL_VERSIONS: {"model": by_model}}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        if resource == TRAINING_RUNS and not list(_unregistered(obj)):
            return ()
        ref = obj["spec"].get("modelRef")
        return (Key(MODELS, obj["metadata"]["namespace"], ref["name"]),) if ref else ()

    def observe(self, store: Store, key: Key) -> View | None:
        return observe(store, key)

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        return decide(view, facts, now)
