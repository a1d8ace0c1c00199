"""What pods leave in the artifact store: the same documents from the same data and spec, in every run."""

from __future__ import annotations

from pydantic import TypeAdapter

from modelyard_api.fields.artifact import RESULT_JSON
from modelyard_api.wire.result import Failed
from modelyard_api.wire.task import Task
from tests.kinds import SAMPLES
from tests.support.tracking import Tracking

_TASK: TypeAdapter[Task] = TypeAdapter(Task)
_PODS = [sample.pod for sample in SAMPLES.values() if sample.pod]


def ended(document: str, text: str, tracking: Tracking) -> bool:
    """Leave what a pod with this task would; says whether it ends well. ``text`` is the source's data."""
    task = _TASK.validate_json(document)
    pod = next(pod for pod in _PODS if isinstance(task, pod.task))
    result = pod.play(task, text)
    # A result also lies beside the bytes that it is about.
    beside = getattr(result, "uri", None) or getattr(result, "artifact_uri", None)
    if beside:
        tracking.put(f"{beside}/{RESULT_JSON}", result.wire())
    tracking.put(task.result_uri, result.wire())
    return not isinstance(result, Failed)
