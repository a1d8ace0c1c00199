"""The sample of Model, a classifier without gates."""

from __future__ import annotations

from typing import Any

from modelyard_api.kinds.model import ModelKind
from tests.kinds.sample import Create, Object, Sample, Update


def _gate(task: str, **gate: Any) -> Object:
    return {"task": task, "gates": [{"name": "g", **gate}]}


def _champion(task: str, metric: str) -> Object:
    return {"task": task, "noWorseThanChampion": {"metric": metric}}


SAMPLE = Sample(
    ModelKind,
    spec={"task": "Classification"},
    creates=(
        Create(
            "write min, max or both",
            good=_gate("Classification", metric="accuracy", min=0),
            bad=_gate("Classification", metric="accuracy"),
        ),
        Create(
            "min must not be greater than max",
            good=_gate("Classification", metric="accuracy", min=0.5, max=1),
            bad=_gate("Classification", metric="accuracy", min=1, max=0.5),
        ),
        Create(
            "a gate's metric must fit task Classification",
            good=_gate("Classification", metric="log_loss", max=1),
            bad=_gate("Classification", metric="r2", min=0.5),
        ),
        Create(
            "a gate's metric must fit task Regression",
            good=_gate("Regression", metric="r2", min=0.5),
            bad=_gate("Regression", metric="accuracy", min=0.5),
        ),
        *(
            Create(
                f"the metric of noWorseThanChampion must fit task {task}",
                good=_champion(task, good),
                bad=_champion(task, bad),
            )
            for task, good, bad in (("Classification", "log_loss", "r2"), ("Regression", "r2", "accuracy"))
        ),
    ),
    updates=(
        Update(
            "task is immutable",
            good=({"promotion": "Automatic"}, {"pin": {"version": 1}}),
            bad=({"task": "Regression"},),
        ),
    ),
    story=(
        {"promotion": "Automatic"},
        {"promotion": "Automatic", "noWorseThanChampion": {"enabled": False}},
        {"promotion": "Automatic", "noWorseThanChampion": {"metric": "log_loss", "tolerance": 0}},
        {"task": "Regression"},
        {"pin": {"version": 4}},
    ),
    referred=("m", "m", "fz-one", "fz-two", "fz-" + "x" * 42),
    history=("promotions", "lastNumber"),
)
