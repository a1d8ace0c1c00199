"""Conditions of a Workspace that is to run."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.kinds.workspace import children
from modelyard.kinds.workspace.health import Answer
from modelyard.kinds.workspace.observe import View, child_name
from modelyard.workload.conclude import Trouble
from modelyard.workload.unready import Unready
from modelyard_api.wire.task import Table


def conditions_of(
    view: View, current: bool, unready: Unready, answer: Answer | None, tables: Sequence[Table]
) -> tuple[Condition, ...]:
    """Returns the conditions.

    ``current`` says that the Deployment is as it should be, ``unready`` why its pod is not ready, and ``answer`` what
    the pod says of itself, or None if it was not asked or gave no answer.
    """
    counts = (view.pods or {}).get("status") or {}
    total, updated, available = (counts.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    if not current or not total == updated == available == 1:
        trouble = unready.trouble
        if trouble is None:
            return kstatus.reconciling("Starting", "the pod is being started")
        if trouble.reason == "Unschedulable":
            trouble = _unbound(view) or trouble
        if unready.stalled:
            return kstatus.stalled(trouble.reason, trouble.message)
        return kstatus.reconciling(trouble.reason, trouble.message, warning=True)
    runs = f"it answers at {children.url(view)}{_unchecked(tables)}"
    if answer is None:
        return kstatus.ready("Running", runs)
    if answer.problems:
        runs = f"{runs}; {'; '.join(answer.problems)}"
    if answer.missing:
        absent = "; ".join(
            f"{person.name} has no token: there is no Secret {person.secret_ref.name!r} with the key "
            f"{person.secret_ref.key!r} (spec.people)"
            for person in answer.missing
        )
        message = f"{absent}. Make it, or remove who shall not come in; a token gets to the pod within two minutes"
        return kstatus.reconciling("TokenMissing", f"{message}. For the others {runs}", warning=True)
    return kstatus.ready("Running", runs)


def _unbound(view: View) -> Trouble | None:
    """Returns that the volume is not there yet, which keeps the pod from every node, or None."""
    claim = view.claim
    if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
        return None
    name, storage = child_name(view.workspace.name), view.workspace.spec.storage
    kind = f"StorageClass {storage.class_name!r}" if storage.class_name else "the default StorageClass"
    message = f"no volume of {storage.size} for PersistentVolumeClaim {name} from {kind}; see kubectl describe pvc "
    return Trouble("VolumeNotBound", f"spec.storage: {message}{name}, and kubectl get storageclass")


def _unchecked(tables: Sequence[Table]) -> str:
    names = [table.version for table in tables if not table.files]
    return f"; made before digests of files were kept, so not checked: {', '.join(names)}" if names else ""
