"""Checks whether a Dataset's source exists, and whether it is the one that was read last."""

from __future__ import annotations

from modelyard.engine.plan import Fetch
from modelyard.engine.resource import CLAIMS, CONFIG_MAPS, Object
from modelyard.workload.conclude import Trouble
from modelyard_api.kinds.dataset import Dataset


def need(dataset: Dataset) -> Fetch | None:
    """Returns the need for the object that holds the data; None if the data is outside of the cluster."""
    source = dataset.spec.source
    if source.config_map:
        return Fetch(CONFIG_MAPS, dataset.namespace, source.config_map.name)
    if source.volume:
        return Fetch(CLAIMS, dataset.namespace, source.volume.claim_name)
    return None


def version(dataset: Dataset, source_object: Object | None) -> str | None:
    """Returns what identifies a ConfigMap's content without a pod; None for what a pod has to look at."""
    if dataset.spec.source.config_map is None or source_object is None:
        return None
    return f"{source_object['metadata']['uid']}/{source_object['metadata']['resourceVersion']}"


def missing(dataset: Dataset, source_object: Object | None) -> Trouble | None:
    """Returns what is missing and, for a key of a ConfigMap, which keys exist; None if the source exists."""
    source, where = dataset.spec.source, f"in namespace {dataset.namespace!r}"
    if source.config_map:
        name, key = source.config_map.name, source.config_map.key
        if source_object is None:
            return Trouble(
                "SourceNotFound", f"spec.source.configMap.name: there is no ConfigMap {name!r} {where}; apply it"
            )
        keys = sorted({**(source_object.get("data") or {}), **(source_object.get("binaryData") or {})})
        if key not in keys:
            existing = ", ".join(keys[:20]) or "none"
            message = (
                f"spec.source.configMap.key: ConfigMap {name!r} has no key {key!r}; it has {existing}; name one of them"
            )
            return Trouble("SourceNotFound", message)
    elif source.volume and source_object is None:
        claim = f"PersistentVolumeClaim {source.volume.claim_name!r}"
        return Trouble("SourceNotFound", f"spec.source.volume.claimName: there is no {claim} {where}; apply it")
    return None
