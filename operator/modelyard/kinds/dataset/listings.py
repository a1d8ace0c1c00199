"""The lists of a source's files in the artifact store, which versions share that are made of the same files."""

from __future__ import annotations

from modelyard.engine.plan import Deleted, Facts
from modelyard.engine.resource import Object
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.register import version_name
from modelyard_api.fields.artifact import is_of, listing_uri
from modelyard_api.wire.result import CheckResult, IngestResult


def listing_of(version: Object) -> str | None:
    """Returns where the list of the files lies that a version is made of, if it is of files."""
    spec = version["spec"]
    made_of = spec.get("madeOf")
    return _beside(spec["uri"], made_of["digest"]) if made_of else None


def forget(view: View, facts: Facts, result: CheckResult) -> None:
    """Has the list deleted that a look has left and no version names: its rows are those of a version that is there,
    which was made of other files. Raises Missing.

    A file that is written anew each minute, with the same rows, would leave half a million lists a year. One that can't
    be deleted takes only space.
    """
    if not isinstance(result, IngestResult) or result.made_of is None:
        return
    left = _beside(result.uri, result.made_of.digest)
    is_registered = view.version(version_name(view.dataset, result)) is not None
    if is_registered and is_of(view.dataset.namespace, left) and left not in map(listing_of, view.versions):
        facts[Deleted((left,))]


def _beside(version_uri: str, digest: str) -> str:
    return listing_uri(version_uri.rpartition("/")[0], digest)
