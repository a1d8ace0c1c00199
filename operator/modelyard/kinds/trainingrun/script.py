"""The ConfigMap with the script of a TrainingRun: whether it is there, and what was in it when the run started."""

from __future__ import annotations

import base64
from datetime import datetime

from modelyard.engine.plan import Facts, Fetch
from modelyard.engine.resource import CONFIG_MAPS, Object
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload.conclude import RETRY, Fails, Trouble, Waits, read
from modelyard_api.fields.artifact import sha256
from modelyard_api.fields.trainer import ScriptFiles

FIELD = "spec.trainer.script.configMap"
LOOKED_FOR = f"it is looked for every {RETRY.total_seconds():.0f} s"
"""Only the ConfigMaps that the operator makes are watched: a cluster may have very many others, and large ones."""


def digests(view: View, facts: Facts, now: datetime) -> dict[str, str]:
    """Returns the digests of the script's files by key, none for other trainers and for a bundle, whose name has one.

    Raises Missing, Waits while the ConfigMap or a key of it isn't there, and Fails if a run that has started would get
    other files than those that it has started with.
    """
    script = view.run.spec.trainer.script
    if script is None or script.config_map is None:
        return {}
    files = script.config_map
    config_map = read(facts, Fetch(CONFIG_MAPS, view.run.namespace, files.name), "ScriptUnavailable", now + RETRY)
    if config_map is None:
        where = f"in namespace {view.run.namespace!r}"
        message = f"{FIELD}.name: there is no ConfigMap {files.name!r} {where}; apply it: {LOOKED_FOR}"
        raise Waits("ScriptNotFound", message, now + RETRY)
    found = {key: _digest(config_map, key, field, now) for field, key in _keys(files)}
    earlier = view.run.status.script_files or {}
    for key, digest in found.items():
        if earlier and earlier.get(key) != digest:
            message = (
                f"{FIELD}: key {key!r} of ConfigMap {files.name!r} has changed since the run started, and a run trains "
                "from one script; apply a run with a new name"
            )
            raise Fails(Trouble("ScriptChanged", message))
    return found


def _keys(files: ScriptFiles) -> list[tuple[str, str]]:
    """Returns (field, key) of each file."""
    more = [(f"{FIELD}.requirements", files.requirements)] if files.requirements else []
    return [(f"{FIELD}.key", files.key), *more]


def _digest(config_map: Object, key: str, field: str, now: datetime) -> str:
    """Returns the digest of the file that the kubelet makes of a key. Raises Waits, since a key may still come."""
    text, binary = config_map.get("data") or {}, config_map.get("binaryData") or {}
    if key in text:
        return sha256(text[key].encode())
    if key in binary:
        return sha256(base64.b64decode(binary[key]))
    keys = ", ".join(sorted([*text, *binary])[:20]) or "none"
    name = config_map["metadata"]["name"]
    has = f"ConfigMap {name!r} has no key {key!r}; it has {keys}"
    message = f"{field}: {has}; name one of them, or add it: {LOOKED_FOR}"
    raise Waits("ScriptNotFound", message, now + RETRY, warning=True)
