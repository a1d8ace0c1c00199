"""Whether a Dataset's source is there, and whether it is the one that was read last."""

from __future__ import annotations

from modelyard.engine.plan import Fetch
from modelyard.engine.resource import CLAIMS, CONFIG_MAPS, Object
from modelyard.workload.failures import Trouble
from modelyard_api.kinds.dataset import Dataset


def need(dataset: Dataset) -> Fetch:
    """The object that holds the data."""
    source = dataset.spec.source
    if source.config_map:
        return Fetch(CONFIG_MAPS, dataset.namespace, source.config_map.name)
    assert source.volume is not None
    return Fetch(CLAIMS, dataset.namespace, source.volume.claim_name)


def version(dataset: Dataset, found: Object) -> str | None:
    """By what an unchanged ConfigMap is known without a pod; None for a volume, which only reading can tell of."""
    if dataset.spec.source.config_map is None:
        return None
    return f"{found['metadata']['uid']}/{found['metadata']['resourceVersion']}"


def missing(dataset: Dataset, found: Object | None) -> Trouble | None:
    """What is not there, and what is instead."""
    source, where = dataset.spec.source, f"in namespace {dataset.namespace!r}; apply it"
    if source.config_map:
        name, key = source.config_map.name, source.config_map.key
        if found is None:
            return Trouble("SourceNotFound", f"spec.source.configMap.name: there is no ConfigMap {name!r} {where}")
        keys = sorted({**(found.get("data") or {}), **(found.get("binaryData") or {})})
        if key not in keys:
            there = ", ".join(keys[:20]) or "none"
            message = f"spec.source.configMap.key: ConfigMap {name!r} has no key {key!r}; it has {there}"
            return Trouble("SourceNotFound", message)
    elif source.volume and found is None:
        claim = f"PersistentVolumeClaim {source.volume.claim_name!r}"
        return Trouble("SourceNotFound", f"spec.source.volume.claimName: there is no {claim} {where}")
    return None
