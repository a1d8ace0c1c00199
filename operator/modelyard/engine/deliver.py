"""Makes one object as a manifest says that came from outside, wherever it may be, unless it is somebody else's."""

from __future__ import annotations

import orjson

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.plan import Delivered, Denied, Unavailable
from modelyard.engine.resource import Object


async def deliver(client: ApiClient, need: Delivered) -> Denied | Unavailable | None:
    """Applies the manifest. Returns None if the object is now as it says, or why it isn't. Raises ApiError."""
    live = await client.get(need.resource, need.namespace, need.name)
    manifest: Object = orjson.loads(need.manifest)
    if live is not None:
        labels = live["metadata"].get("labels") or {}
        if not dict(need.owner).items() <= labels.items():
            return Denied("NameTaken", f"{_name(need)} exists and {_whose(labels)}: delete or rename one of them")
        if "deletionTimestamp" in live["metadata"]:
            return Unavailable(f"{_name(need)} is being deleted; it is made anew when it is gone")
        # The uid keeps the apply from making an object anew that was deleted since, the version from undoing a change.
        seen = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
        manifest = {**manifest, "metadata": {**manifest["metadata"], **seen}}
    try:
        await client.apply(need.resource, manifest, strict=True)
    except ApiError as error:
        if error.code in (400, 422):
            return Denied("ManifestRefused", f"{_name(need)}: {error.message}")
        if error.code in (403, 404):
            return Denied("DeliveryForbidden", f"{_name(need)}: {error.message}")
        raise
    return None


def _name(need: Delivered) -> str:
    return f"{need.resource.kind} {need.namespace}/{need.name}"


def _whose(labels: dict[str, str]) -> str:
    source = labels.get("modelyard.dev/pipelinesource")
    if not source:
        return "was not delivered by this source"
    return f"belongs to PipelineSource {labels.get('modelyard.dev/pipelinesource-namespace', '?')}/{source}"
