"""``lay-out-step`` and ``collect-step``: what a pipeline step's container finds, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modelyard_api.fields.artifact import canonical
from modelyard_api.wire.result import StepResult
from modelyard_api.wire.task import IN_FOLDER, OUT_FOLDER, OUTPUTS_JSON, PARAMETERS_JSON, StepTask
from modelyard_runtime.models import output
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.outcome import supersede
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore


def lay_out(task: StepTask, store: ArtifactStore, folder: Path = Path(IN_FOLDER)) -> None:
    """Writes the parameters. Takes the result of an earlier pod back."""
    supersede(task, store)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PARAMETERS_JSON).write_bytes(canonical(task.parameters))
    say(f"{PARAMETERS_JSON} lies in {folder}")


def collect(task: StepTask, store: ArtifactStore, folder: Path = Path(OUT_FOLDER)) -> StepResult:
    """Returns the outputs that the step declares. Raises UserError if the container has left anything else."""
    if not task.outputs:
        return StepResult()
    field = f"spec.steps[{task.step}].container.outputs"
    document = _parsed(output.read(folder, OUTPUTS_JSON, field, "outputs"), field)
    if problem := _problem(task, document):
        raise UserError("InvalidOutputs", f"{OUTPUTS_JSON} {problem}", field)
    try:
        return StepResult(outputs={name: _text(value) for name, value in document.items()})
    except ValidationError as error:
        message = f"{OUTPUTS_JSON} can't be kept: {error.errors()[0]['msg']}; write less"
        raise UserError("InvalidOutputs", message, field) from error


def _parsed(data: bytes, field: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        message = f"{OUTPUTS_JSON} is not JSON ({error}); write an object of texts and numbers"
        raise UserError("InvalidOutputs", message, field) from error
    if not isinstance(document, dict):
        message = f"{OUTPUTS_JSON} is a {type(document).__name__}; write a JSON object of texts and numbers"
        raise UserError("InvalidOutputs", message, field)
    return document


def _problem(task: StepTask, document: dict[str, Any]) -> str | None:
    """Returns what is wrong with the outputs, or None."""
    declared = ", ".join(task.outputs)
    for name in sorted(document.keys() - set(task.outputs)):
        return f"has {name[:64]!r}, which the step doesn't declare; it declares {declared}"
    for name in task.outputs:
        if name not in document:
            return f"lacks {name!r}, which the step declares; write all of {declared}"
        if not isinstance(document[name], str | int | float):
            return f"has a {type(document[name]).__name__} as {name!r}; write a text or a number"
    return None


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)
