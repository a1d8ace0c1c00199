"""Writes what pods leave in the artifact store: in every run the same documents from the same data and spec."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from modelyard_api.fields.artifact import PROFILE_JSON, RESULT_JSON
from modelyard_api.wire.result import Failed
from modelyard_api.wire.sketches import Sketches, write
from modelyard_api.wire.task import Task
from tests.harness.faults import files
from tests.kinds import SAMPLES
from tests.support.tracking import Tracking

_TASK: TypeAdapter[Task] = TypeAdapter(Task)
_PROFILE = json.loads(write(Sketches("", "", "", 0.0, 0.0, 40)))
"""The profile of every table and model: without columns, since no played server is asked anything."""
_PODS = [sample.pod for sample in SAMPLES.values() if sample.pod]


def ended(document: str, text: str, tracking: Tracking) -> bool:
    """Writes the result of a pod with this task, from ``text``, the source's data. Returns whether the pod succeeds."""
    task = _TASK.validate_json(document)
    pod = next(pod for pod in _PODS if isinstance(task, pod.task))
    result = files.look(task, text, tracking) if files.is_of(text) else pod.play(task, text)
    # A pod also writes its result into the folder of the artifact that it describes.
    artifact = getattr(result, "uri", None) or getattr(result, "artifact_uri", None)
    if artifact:
        tracking.put(f"{artifact}/{PROFILE_JSON}", _PROFILE)
        tracking.put(f"{artifact}/{RESULT_JSON}", result.wire())
    tracking.put(task.result_uri, result.wire())
    return not isinstance(result, Failed)
