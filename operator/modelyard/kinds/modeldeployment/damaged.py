"""Records versions whose stored bytes are gone or were changed, as their pods found; their ModelVersions read it."""

from __future__ import annotations

from collections.abc import Mapping

from modelyard.engine.resource import Object
from modelyard.kinds.modeldeployment.names import number_of, version_name_of
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload.conclude import Trouble
from modelyard.workload.unready import Unready
from modelyard.workload.versions import DAMAGE
from modelyard_api.kinds.modeldeployment import Damaged, ModelDeploymentStatus

KEPT = 4
"""Most entries that a status holds."""


def entry(name: str, trouble: Trouble) -> Damaged:
    return Damaged(name=name, reason=trouble.reason, message=trouble.message[:1024])


def damaged(view: View, unready: Mapping[int, Unready], status: ModelDeploymentStatus) -> list[Damaged]:
    """Returns the versions that can't be fetched.

    An entry stays until all pods of its version serve, or the version is neither stable nor candidate any more: a pod
    that is just about to try again, or a Deployment that was deleted and comes back, says nothing.
    """
    children = {version_name_of(child) or "": child for child in view.pods}
    entries = []
    for name, child in children.items():
        trouble = unready.get(number_of(child) or 0, Unready()).trouble
        if trouble is not None and trouble.reason in DAMAGE:
            entries.append(entry(name, trouble))
    reported = {item.name for item in entries}
    rolled_out = {view.versions[number].name for number in (status.stable, status.candidate) if number in view.versions}
    for item in status.damaged:
        own = children.get(item.name)
        keeps = item.name in rolled_out if own is None else not _all_serve(own)
        if keeps and item.name not in reported:
            entries.append(item)
    return entries[:KEPT]


def _all_serve(child: Object) -> bool:
    available = int((child.get("status") or {}).get("availableReplicas", 0))
    return available >= max(1, int(child["spec"].get("replicas", 1)))
