"""The list of a pool's models: made anew at each pass from the ModelDeployments that there are. Pure."""

from __future__ import annotations

from pydantic import ValidationError

from modelyard.kinds.modelpool.observe import Member, View
from modelyard_api.wire.packing import CATALOGUE_JSON, Catalogue, PackedModel, PackedVersion


def catalogue(view: View) -> Catalogue:
    """By name, so that the same models are the same text."""
    before = {model.name: model for model in _before(view).models}
    models = [_model(member, before.get(member.deployment.name)) for member in view.members]
    return Catalogue(models=sorted((model for model in models if model is not None), key=lambda model: model.name))


def _model(member: Member, before: PackedModel | None) -> PackedModel | None:
    """None where nothing is to be served of it."""
    listed = {version.number: version for version in before.versions} if before else {}
    versions = []
    for name in member.deployment.status.packed:
        found = member.versions.get(name)
        if found is not None:
            artifact = found.spec.artifact
            versions.append(PackedVersion(number=found.spec.number, uri=artifact.uri, digest=artifact.digest))
        elif old := listed.get(int(name.rsplit("-v", 1)[1])):
            # Its ModelVersion is gone: what serves goes on as it is.
            versions.append(old)
    return PackedModel(name=member.deployment.name, versions=versions) if versions else None


def _before(view: View) -> Catalogue:
    """As it was written last."""
    try:
        return Catalogue.model_validate_json(((view.catalogue or {}).get("data") or {}).get(CATALOGUE_JSON, "{}"))
    except ValidationError:  # somebody else's hand
        return Catalogue()
