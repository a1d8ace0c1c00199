"""Refuses artifacts of other namespaces, each of which is a tenant.

A rule of the CRDs can't know an object's namespace. What a version's status says doesn't count either: it may be older
than this rule. So whoever takes an address from a version, to read it or to name it to a pod, takes it from here.
"""

from __future__ import annotations

from modelyard.workload.conclude import Fails, Trouble
from modelyard_api.fields.artifact import home, is_of
from modelyard_api.kinds.modelversion import Artifact, ModelVersion

IMPORT_IT, READ_THEM = "import the model", "apply a DatasetVersion that reads them"
"""What to do once the files lie in the right place."""


def artifact_of(version: ModelVersion) -> Artifact:
    """Returns where a version's bytes are. Raises Fails if another namespace has them."""
    artifact = version.spec.artifact
    check(version.namespace, artifact.uri, f"ModelVersion {version.name}: spec.artifact.uri", IMPORT_IT)
    return artifact


def is_own(version: ModelVersion) -> bool:
    """Whether a version's bytes are of its own namespace."""
    return is_of(version.namespace, version.spec.artifact.uri)


def check(namespace: str, uri: str, field: str, again: str) -> None:
    """Raises Fails unless a URI is of the namespace. ``again`` is what to do once the files are there."""
    if is_of(namespace, uri):
        return
    message = (
        f"{field}: {uri} is no path of plain names (of A-Z, a-z, 0-9, '.', '_', '-') below {home(namespace)}, and "
        f"nothing of another namespace is fetched; copy the files below {home(namespace)} and {again} from there"
    )
    raise Fails(Trouble("ForeignArtifact", message))
