"""Resolves references between objects of one namespace, with one set of messages for all kinds.

A reference to an object that may still appear raises Waits; one that can never be resolved as written raises Fails.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Protocol, TypeVar

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Fails, Trouble, Waits
from modelyard.workload.foreign import artifact_of
from modelyard.workload.versions import broken, is_stalled, judged, usable, why_unusable
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion

M = TypeVar("M")


class ModelVersionRef(Protocol):
    """A reference to a Model, and to one of its aliases or version numbers."""

    @property
    def name(self) -> str: ...
    @property
    def alias(self) -> str | None: ...
    @property
    def version(self) -> int | None: ...


def dataset_version(
    name: str, pinned: str | None, dataset: Object | None, version: Object | None, field: str = "spec.datasetRef"
) -> Object:
    """Returns the DatasetVersion that a run reads: the ``pinned`` one, else Dataset ``name``'s newest accepted one.

    ``dataset`` and ``version`` are these two objects, None if they don't exist. Raises Waits and Fails.
    """
    if dataset is None:
        raise Waits("DatasetNotFound", f"{field}.name: there is no Dataset {name!r}; apply it")
    if pinned is None and not _is_read(dataset):
        # Otherwise a run that is applied together with a changed Dataset would read the version of the old spec.
        since = " since its spec changed" if (dataset.get("status") or {}).get("checkedGeneration") else " yet"
        raise Waits("DatasetNotReady", f"Dataset {name!r} was not read{since}{_problem(dataset)}")
    if version is None and pinned:
        raise Waits(
            "DatasetVersionNotFound", f"{field}.version: there is no {pinned!r}; see kubectl get datasetversions"
        )
    if version is None and dataset["spec"].get("suspend"):
        message = f"Dataset {name!r} is suspended and has no accepted version; set its spec.suspend to false"
        raise Waits("DatasetNotReady", message, warning=True)
    if version is None:
        raise Waits("DatasetNotReady", f"Dataset {name!r} has no accepted version yet{_problem(dataset)}")
    if version["spec"]["datasetRef"]["name"] != name:
        message = f"{field}.version: {pinned!r} is not a version of Dataset {name!r}; name one that is"
        raise Fails(Trouble("DatasetVersionMismatch", message))
    if kstatus.holds(version, "Ready"):
        return version
    version_name = version["metadata"]["name"]
    if (version.get("status") or {}).get("accepted") is False:
        message = f"{field}.version: {version_name!r} was rejected, and a version never changes; name another one"
        raise Fails(Trouble("DatasetVersionRejected", message))
    raise Waits("DatasetVersionNotReady", f"DatasetVersion {version_name!r} is not Ready; see its conditions")


def check_target(version: Object, field: str) -> None:
    """Raises Fails unless the DatasetVersion has a target, which ``field`` of a spec needs it for."""
    if version["spec"].get("target") is None:
        name, dataset = version["metadata"]["name"], version["spec"]["datasetRef"]["name"]
        message = (
            f"{field}: DatasetVersion {name!r} has no target, so there is nothing to learn or to score; write "
            f"spec.target in Dataset {dataset!r}, or name another Dataset"
        )
        raise Fails(Trouble("NoTarget", message))


def resolved(existing: M | None, reason: str, name: str | None) -> M:
    """Returns ``existing``, the version of this name that a run resolved when it started. Raises Fails if it is None.

    ``reason`` is the version's kind with ``NotFound``.
    """
    if existing is None:
        kind = reason.removesuffix("NotFound")
        raise Fails(Trouble(reason, f"{kind} {name!r} was deleted; apply a run with a new name"))
    return existing


def model(name: str, existing: M | None, field: str = "spec.modelRef") -> M:
    """Returns ``existing``, the Model of this name. Raises Waits if it is None."""
    if existing is None:
        raise Waits("ModelNotFound", f"{field}.name: there is no Model {name!r}; apply it")
    return existing


def model_version(
    ref: ModelVersionRef, existing: ModelKind | None, versions: Mapping[int, ModelVersion], field: str = "spec.modelRef"
) -> ModelVersion:
    """Returns the ModelVersion that a reference names. Raises Waits until it is Ready, Fails if a person must act.

    ``existing`` is the Model of that name, or None, and ``versions`` are its versions by number. Gates are not checked
    here, but by ``check_gates``.
    """
    owner = model(ref.name, existing, field)
    number = ref.version if ref.version is not None else _aliased(ref, owner, field)
    version = versions.get(number)
    if version is None:
        newest = ", ".join(map(str, sorted(versions)[-20:])) or "none"
        raise Waits("VersionNotFound", f"{field}: Model {ref.name!r} has no version {number}; it has {newest}")
    artifact_of(version)
    if not usable(version):
        message = f"ModelVersion {version.name} is not Ready{why_unusable(version) or '; see its conditions'}"
        if is_stalled(version):
            raise Fails(Trouble("VersionNotReady", message))
        raise Waits("VersionNotReady", message)
    return version


def check_gates(version: ModelVersion, of: ModelKind, field: str = "spec.modelRef") -> None:
    """Checks that a pinned version passes the gates of its Model ``of``.

    The Model's champion and its own pin always pass, because the Model chose them. A version chosen by alias needs no
    check for the same reason. Raises Waits while the gates have not been evaluated, and Fails if one of them fails.
    """
    number, pin = version.spec.number, of.spec.pin
    if number == of.status.champion or (pin is not None and pin.version == number):
        return
    if not judged(version, of, of.status.champion):
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
    raise _alias_not_set(ref, of, field)


def _alias_not_set(ref: ModelVersionRef, of: ModelKind, field: str) -> Waits:
    """Returns what the alias waits for, in the Model's own words: nobody should have to look there."""
    message = f"{field}.alias: Model {ref.name!r} has no {ref.alias} yet"
    available = of.status.condition("ChampionAvailable")
    if ref.alias != "champion":
        return Waits("AliasNotSet", f"{message}: no version that is Ready is newer than its champion")
    if available is None or available.status == "True":
        return Waits("AliasNotSet", message)
    awaits = available.reason == "AwaitingPromotion"
    reason = available.reason if awaits else "AliasNotSet"
    return Waits(reason, f"{message}: {available.message}", warning=awaits)


def _is_read(dataset: Object) -> bool:
    """Whether the Dataset was read under its current spec, or nothing will read it: it is suspended, or pushed."""
    generation = (dataset.get("status") or {}).get("checkedGeneration")
    will_not = dataset["spec"].get("suspend") or "pushed" in dataset["spec"]["source"]
    return bool(will_not) or generation == dataset["metadata"].get("generation")


def _problem(dataset: Object) -> str:
    """Returns what the Dataset says is wrong with its source as its spec is now, so that nobody has to look there."""
    readable = kstatus.find(dataset, "SourceReadable")
    is_current = readable is not None and readable["observedGeneration"] == dataset["metadata"].get("generation")
    if readable is None or not is_current or readable["status"] == "True":
        return "; see its conditions"
    return f" ({readable['reason']}: {textwrap.shorten(readable['message'], 1000, placeholder=' ...')})"
