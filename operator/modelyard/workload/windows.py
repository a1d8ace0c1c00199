"""Reads from serving pods what they were asked and have answered in a span of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from modelyard.engine.plan import Page, Unavailable
from modelyard.engine.resource import Object
from modelyard.workload.server import url

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches


def running(pods: Sequence[Object] | Unavailable) -> list[Object]:
    """Returns the pods that can be asked."""
    known = () if isinstance(pods, Unavailable) else pods
    return [pod for pod in known if _status(pod).get("podIP") and _status(pod).get("phase") == "Running"]


def page(pod: Object, model: str, span: tuple[int, int], answers: bool = False) -> Page:
    """Returns the need for what a running pod saw of a model in ``span`` (Unix seconds)."""
    query = f"since={span[0]}&until={span[1]}{'&answers=true' if answers else ''}"
    return Page(f"{url(pod['status']['podIP'])}/v2/models/{model}/sketches?{query}")


def parts(pages: Iterable[bytes | Unavailable]) -> list[Sketches | None]:
    """Returns what each pod told, None for one that did not answer, or not with sketches."""
    # Imported late: numpy and the sketches' library take 12 MB, which an operator without a rollout doesn't need.
    from modelyard_api.wire.sketches import NotSketches, read

    told: list[Sketches | None] = []
    for item in pages:
        try:
            told.append(None if isinstance(item, Unavailable) else read(item))
        except NotSketches:
            told.append(None)
    return told


def merged(told: Iterable[Sketches | None]) -> Sketches | None:
    """Returns what the pods told together, or None if there is nothing to merge.

    A pod that doesn't answer is left out: the others have seen the same traffic.
    """
    from modelyard_api.wire.sketches import NotSketches, merge

    try:
        return merge(part for part in told if part is not None)
    except NotSketches:
        return None


def _status(pod: Object) -> Object:
    status: Object = pod.get("status") or {}
    return status
