"""The DAG of steps: what each waits for, and what is wrong with their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import get_args

from modelyard.workload.conclude import Trouble
from modelyard.workload.pipelines.placeholders import names, shown, texts
from modelyard_api.fields.base import MAX_LEVELS, Model, levels
from modelyard_api.kinds.pipeline import STEP_KINDS, Step
from modelyard_api.kinds.registry import KINDS

OF_TRIGGER = ("trigger.name", "trigger.value", "trigger.datasetVersion")
"""Placeholders that have a value only in runs that a trigger has started; the last one only if that was a dataset's."""
OF_RUN = "run.name"
MODEL_VERSION, VERSION_NUMBER = "modelVersion", "modelVersionNumber"
"""Outputs: the name of a ModelVersion, and its number, by which a BatchPrediction names it beside its Model."""
_DEEPEST = 2 * MAX_LEVELS
"""Most levels of a step's spec: those of an estimator's parameters, and those around them."""


def outputs_of(step: Step) -> tuple[str, ...]:
    """Returns the names of the outputs that later steps can read."""
    field, spec = step.content
    kind = STEP_KINDS[field].kind
    if kind is None:
        return tuple(spec.get("outputs") or ())
    outputs = KINDS[kind].model_fields["status"].annotation.model_fields["outputs"].annotation  # type: ignore[union-attr]
    model = next(item for item in (outputs, *get_args(outputs)) if isinstance(item, type) and issubclass(item, Model))
    names = tuple(field.alias or name for name, field in model.model_fields.items())
    return (*names, VERSION_NUMBER) if MODEL_VERSION in names else names


def dependencies(step: Step) -> tuple[str, ...]:
    """Returns the steps that one waits for: those in ``after``, and those whose outputs it names."""
    _, spec = step.content
    named = (name.split(".") for _, text in texts(spec) for name in names(text))
    return tuple(dict.fromkeys([*step.after, *(parts[1] for parts in named if parts[0] == "steps" and len(parts) > 1)]))


def ordered(steps: Iterable[Step]) -> list[Step]:
    """Returns the steps, each after those that it waits for. Raises CycleError."""
    by_name = {step.name: step for step in steps}
    sorter = TopologicalSorter({name: dependencies(step) for name, step in by_name.items()})
    return [by_name[name] for name in sorter.static_order() if name in by_name]


def problem(steps: list[Step], parameters: Iterable[str]) -> Trouble | None:
    """Returns the first error in the steps' names and dependencies, or None."""
    for step in steps:
        if levels(step.content[1]) > _DEEPEST:
            message = f"spec.steps[{step.name}]: more than {_DEEPEST} levels of lists and maps; write fewer"
            return Trouble("SpecTooDeep", message)
    known = {name: set(outputs_of(step)) for name, step in ((step.name, step) for step in steps)}
    for unknown in _unknown(steps, known, sorted(parameters)):
        return Trouble("UnknownName", unknown)
    try:
        ordered(steps)
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        message = f"spec.steps: {cycle} wait for each other; remove one of their after, or one of their placeholders"
        return Trouble("StepsInCycle", message)
    return None


def _unknown(steps: list[Step], known: dict[str, set[str]], parameters: list[str]) -> Iterator[str]:
    """Yields a message for each name that means nothing."""
    for step in steps:
        field, spec = step.content
        for name in step.after:
            if name not in known:
                yield f"spec.steps[{step.name}].after: there is no step {name!r}; there are {_listed(known)}"
        for path, text in texts(spec):
            for name in names(text):
                if why := _why_unknown(name, known, parameters):
                    yield f"spec.steps[{step.name}].{field}.{shown(path)}: $({name}) {why}"


def _why_unknown(name: str, known: dict[str, set[str]], parameters: list[str]) -> str | None:
    """Returns why a placeholder can't have a value, and what there is; None if it can."""
    match name.split("."):
        case ["parameters", parameter]:
            return None if parameter in parameters else f"names no parameter; there are {_listed(parameters)}"
        case ["steps", step, "outputs", output]:
            if step not in known:
                return f"names no step; there are {_listed(known)}"
            return None if output in known[step] else f"names no output; step {step} has {_listed(known[step])}"
        case _ if name in (*OF_TRIGGER, OF_RUN):
            return None
    kinds = f"$(parameters.<name>), $(steps.<name>.outputs.<name>), {', '.join(f'$({item})' for item in OF_TRIGGER)}"
    return f"is no placeholder; there are {kinds} and $({OF_RUN}), and $$( stands for $( itself"


def _listed(items: Iterable[str]) -> str:
    return ", ".join(sorted(items)[:20]) or "none"
