"""Lists a pool's models: rebuilt at each pass from the existing ModelDeployments. Pure."""

from __future__ import annotations

from pydantic import ValidationError

from modelyard.kinds.modelpool.observe import Member, View
from modelyard.workload.foreign import artifact_of, is_own
from modelyard_api.fields.artifact import is_of
from modelyard_api.wire.packing import CATALOGUE_JSON, Catalogue, PackedModel, PackedVersion


def catalogue(view: View) -> Catalogue:
    """Returns the catalogue, sorted by name so that the same models give the same text."""
    before = {model.name: model for model in _last_written(view).models}
    models = [_model(member, before.get(member.deployment.name)) for member in view.members]
    return Catalogue(models=sorted((model for model in models if model is not None), key=lambda model: model.name))


def _model(member: Member, before: PackedModel | None) -> PackedModel | None:
    """Returns the member's entry, or None if it has no version to serve."""
    old_versions = {version.number: version for version in before.versions} if before else {}
    namespace = member.deployment.namespace
    versions = []
    for name in member.deployment.status.packed:
        version = member.versions.get(name)
        if version is not None:
            # A foreign one is left out; its ModelDeployment says so.
            if is_own(version):
                artifact = artifact_of(version)
                versions.append(PackedVersion(number=version.spec.number, uri=artifact.uri, digest=artifact.digest))
        elif (old_version := old_versions.get(int(name.rsplit("-v", 1)[1]))) and is_of(namespace, old_version.uri):
            # The ModelVersion is gone: keep its old entry, so that pods continue to serve it.
            versions.append(old_version)
    return PackedModel(name=member.deployment.name, versions=versions) if versions else None


def _last_written(view: View) -> Catalogue:
    """Returns the catalogue as it was written last."""
    try:
        return Catalogue.model_validate_json(((view.catalogue or {}).get("data") or {}).get(CATALOGUE_JSON, "{}"))
    except ValidationError:  # Somebody else has edited the ConfigMap.
        return Catalogue()
