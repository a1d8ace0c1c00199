"""References between objects of one namespace: resolved in one place, with one set of messages.

A reference to what may still come raises Waits; one that can't ever be followed as it is written raises Fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Fails, Waits
from modelyard.workload.failures import Trouble
from modelyard.workload.versions import broken, judged, usable
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion

M = TypeVar("M")


class ModelVersionRef(Protocol):
    """Names a Model, and either an alias of it or the number of a version."""

    @property
    def name(self) -> str: ...
    @property
    def alias(self) -> str | None: ...
    @property
    def version(self) -> int | None: ...


def dataset_version(
    name: str, wanted: str | None, dataset: Object | None, version: Object | None, field: str = "spec.datasetRef"
) -> Object:
    """The DatasetVersion that a run reads: the ``wanted`` one, or the newest accepted one of Dataset ``name``.

    ``dataset`` and ``version`` are the objects of those names, None where there are none. Raises Waits and Fails.
    """
    if dataset is None:
        raise Waits("DatasetNotFound", f"{field}.name: there is no Dataset {name!r}; apply it")
    if wanted is None and not _is_read(dataset):
        # Otherwise a run that is applied together with a changed Dataset would read what the Dataset was before.
        raise Waits("DatasetNotReady", f"Dataset {name!r} was not read since its spec changed; see its conditions")
    if version is None and wanted:
        raise Waits("DatasetVersionNotFound", f"{field}.version: there is no {wanted!r}")
    if version is None:
        raise Waits("DatasetNotReady", f"Dataset {name!r} has no accepted version yet; see its conditions")
    if version["spec"]["datasetRef"]["name"] != name:
        message = f"{field}.version: {wanted!r} is not a version of Dataset {name!r}"
        raise Fails(Trouble("DatasetVersionMismatch", message))
    if kstatus.holds(version, "Ready"):
        return version
    found = version["metadata"]["name"]
    if (version.get("status") or {}).get("accepted") is False:
        message = f"{field}.version: {found!r} was rejected, and a version never changes; name another one"
        raise Fails(Trouble("DatasetVersionRejected", message))
    raise Waits("DatasetVersionNotReady", f"DatasetVersion {found!r} is not Ready; see its conditions")


def model(name: str, found: M | None, field: str = "spec.modelRef") -> M:
    """The Model of this name. Raises Waits."""
    if found is None:
        raise Waits("ModelNotFound", f"{field}.name: there is no Model {name!r}; apply it")
    return found


def model_version(
    ref: ModelVersionRef, found: ModelKind | None, versions: Mapping[int, ModelVersion], field: str = "spec.modelRef"
) -> ModelVersion:
    """The ModelVersion that a reference names, once it can be used.

    ``found`` is the Model of that name, None where there is none, and ``versions`` are its versions by number. Whether
    gates hold is not asked: see ``check_gates``. Raises Waits.
    """
    named = model(ref.name, found, field)
    number = ref.version if ref.version is not None else _aliased(ref, named, field)
    version = versions.get(number)
    if version is None:
        there = ", ".join(map(str, sorted(versions)[-20:])) or "none"
        raise Waits("VersionNotFound", f"{field}: Model {ref.name!r} has no version {number}; it has {there}")
    if not usable(version):
        raise Waits("VersionNotReady", f"ModelVersion {version.name} is not Ready; see its conditions")
    return version


def check_gates(version: ModelVersion, of: ModelKind, field: str = "spec.modelRef") -> None:
    """A version that a reference pins must pass the gates of its Model, or be that Model's own choice: its champion, or
    its pin, which goes before the gates. An alias needs no such check, as it is the Model's own word.

    Raises Waits while the gates have not been asked, and Fails where one of them does not hold.
    """
    number, pin = version.spec.number, of.spec.pin
    if number == of.status.champion or (pin is not None and pin.version == number):
        return
    if not judged(version, of):
        message = f"{field}.version: version {number} is being judged by the gates of Model {of.name!r}"
        raise Waits("VersionNotJudged", message)
    if version.status.approved:
        return
    message = (
        f"{field}.version: version {number} does not pass the gates of Model {of.name!r}: {broken(version)}; "
        f"pin another version, change the Model's spec.gates, or make it champion whatever they say by the Model's "
        f"spec.pin.version: {number}"
    )
    raise Fails(Trouble("VersionNotApproved", message))


def _aliased(ref: ModelVersionRef, of: ModelKind, field: str) -> int:
    for alias in of.status.aliases:
        if alias.name == ref.alias:
            return alias.version
    message = (
        f"{field}.alias: Model {ref.name!r} has no {ref.alias} yet; "
        f"see kubectl get model {ref.name}, condition ChampionAvailable"
    )
    raise Waits("AliasNotSet", message)


def _is_read(dataset: Object) -> bool:
    """Whether the Dataset was read as its spec is now; a suspended one isn't, and stays as it is."""
    read = (dataset.get("status") or {}).get("checkedGeneration")
    return bool(dataset["spec"].get("suspend")) or read == dataset["metadata"].get("generation")
