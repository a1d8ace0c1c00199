"""Reads what a window is compared with: the profile of the rows, and of the served model's answers on held-out ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from modelyard.engine import conditions as kstatus
from modelyard.engine.plan import Facts, Result, Unreadable
from modelyard.kinds.modelmonitor.observe import View
from modelyard.workload.conclude import RETRY, Fails, Trouble, Waits, read
from modelyard_api.fields.artifact import PROFILE_JSON, is_of
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.modelversion import ModelVersion

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches

NAME_ANOTHER = "name one that has a profile in spec.reference.datasetVersion"


@dataclass(frozen=True)
class Watched:
    """What is watched: the version that serves, and the rows that its inputs are compared with."""

    version: ModelVersion
    rows: DatasetVersion


def watched(view: View) -> Watched:
    """Returns what is watched. Raises Waits and Fails."""
    spec = view.monitor.spec
    name, pinned = spec.deployment_ref.name, spec.reference.dataset_version
    if view.deployment is None:
        raise Waits("DeploymentNotFound", f"spec.deploymentRef.name: there is no ModelDeployment {name!r}; apply it")
    if view.version is None:
        raise Waits("NothingServed", f"ModelDeployment {name!r} serves no version yet; see its conditions")
    version = view.version.name
    if view.reference_name is None:
        message = f"ModelVersion {version} names no dataset version that it was trained on; {NAME_ANOTHER}"
        raise Fails(Trouble("NoReference", message))
    rows = view.reference
    if rows is None and pinned:
        message = f"spec.reference.datasetVersion: there is no {pinned!r}; see kubectl get datasetversions"
        raise Waits("DatasetVersionNotFound", message)
    if rows is None:
        message = f"DatasetVersion {view.reference_name}, which {version} was trained on, is gone; {NAME_ANOTHER}"
        raise Fails(Trouble("NoReference", message))
    if rows.status.accepted is None:
        raise Waits("DatasetVersionNotReady", f"DatasetVersion {rows.name!r} is not Ready; see its conditions")
    if rows.status.profile is None:
        message = f"DatasetVersion {rows.name} has no profile, since an earlier release made it; {NAME_ANOTHER}"
        raise Fails(Trouble("NoReference", message))
    return Watched(view.version, rows)


@dataclass(frozen=True)
class Reference:
    """``inputs`` are the sketches of the rows; ``outputs`` those of the model's answers, None if it has none."""

    inputs: Sketches
    outputs: Sketches | None


def reference(of: Watched, facts: Facts, now: datetime) -> Reference:
    """Returns what a window is compared with. Raises Missing, Waits and Fails."""
    profile = of.rows.status.profile
    assert profile is not None
    inputs = _sketches(profile.uri, of.rows.namespace, facts, now)
    if inputs is None:
        message = f"the profile of DatasetVersion {of.rows.name} can't be read at {profile.uri}; {NAME_ANOTHER}"
        raise Fails(Trouble("NoReference", message), after=now + 6 * RETRY)
    artifact = of.version.spec.artifact.uri
    return Reference(inputs, _sketches(f"{artifact}/{PROFILE_JSON}", of.version.namespace, facts, now))


def _sketches(uri: str, namespace: str, facts: Facts, now: datetime) -> Sketches | None:
    """Returns the sketches in a document of the namespace, None if there are none. Raises Missing and Waits."""
    # Imported late, as in workload.windows.
    from modelyard_api.wire.sketches import NotSketches, parse

    document = read(facts, Result(uri), "ArtifactStoreUnavailable", now + RETRY) if is_of(namespace, uri) else None
    if document is None or isinstance(document, Unreadable):
        return None
    try:
        return parse(document)
    except NotSketches:
        return None


def unknown(type_: str, reason: str, message: str) -> kstatus.Condition:
    """Returns a condition that can't be told."""
    return kstatus.Condition(type_, None, reason, message)
