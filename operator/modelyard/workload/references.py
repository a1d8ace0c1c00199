"""References between objects of one namespace: resolved in one place, with one set of messages.

A reference to what may still come raises Waits; one that can't ever be followed as it is written raises Fails.
"""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Fails, Waits
from modelyard.workload.failures import Trouble


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


def model(name: str, found: Object | None, field: str = "spec.modelRef") -> Object:
    """The Model of this name. Raises Waits."""
    if found is None:
        raise Waits("ModelNotFound", f"{field}.name: there is no Model {name!r}; apply it")
    return found


def _is_read(dataset: Object) -> bool:
    """Whether the Dataset was read as its spec is now; a suspended one isn't, and stays as it is."""
    read = (dataset.get("status") or {}).get("checkedGeneration")
    return bool(dataset["spec"].get("suspend")) or read == dataset["metadata"].get("generation")
