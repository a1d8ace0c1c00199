"""The sample of Pipeline, suspended, with one step, and the cases of the rules of steps."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from modelyard_api.kinds.pipeline import STEP_KINDS, STEP_OBJECTS, Pipeline
from tests.kinds.sample import PODS, Create, Object, Sample

TRAIN: Object = {
    "name": "train",
    "trainingRun": {
        "datasetRef": {"name": "table"},
        "trainer": {"estimator": {"algorithm": "RandomForestClassifier", "params": {"n_estimators": 10}}},
    },
}
CHECK: Object = {"name": "check", "container": {"image": "localhost/check:1", "outputs": ["trees"]}}


EXACTLY_ONE = "write exactly one of trainingRun"
"""The start of the message of the rule about what a step holds."""


def _trigger(**more: Any) -> Object:
    return {"triggers": [{"name": "t", **more}]}


def _steps(*steps: Object) -> Object:
    return {"steps": list(steps)}


def _embedded(kind: str) -> Iterator[Create]:
    """Yields the cases of the rules of this kind's spec, in a step."""
    sample: Sample = import_module(f"tests.kinds.{kind.lower()}").SAMPLE
    field = next(name for name, mark in STEP_KINDS.items() if mark.kind == kind)
    for case in sample.cases:
        if case.good_name is None and case.bad_name is None:
            good, bad = (_steps({"name": "a", field: sample.make(change)["spec"]}) for change in (case.good, case.bad))
            yield Create(case.message, good, bad)


def _container(change: Object) -> Object:
    return _steps({"name": "a", "container": {"image": "$(parameters.image)", **change}})


STEP_RULES = (
    Create(
        EXACTLY_ONE,
        good=_steps(CHECK),
        bad=_steps({**TRAIN, "container": {"image": "a"}}),
    ),
    Create(EXACTLY_ONE, bad=_steps({"name": "nothing"})),
    Create(
        "after names a step that there is not",
        good=_steps(CHECK, {**TRAIN, "after": ["check"]}),
        bad=_steps(CHECK, {**TRAIN, "after": ["chek"]}),
    ),
    Create(
        "the image of a container is container.image; leave podTemplate.image out",
        good=_container({"podTemplate": {"priorityClassName": "high"}}),
        bad=_container({"podTemplate": {"image": "b"}}),
    ),
    *(Create(case.message, _container(case.good), _container(case.bad)) for case in PODS),
    *(case for kind in STEP_OBJECTS for case in _embedded(kind)),
)
"""The cases of the rules of ``Step`` and of what it holds, with the steps of a spec."""

SAMPLE = Sample(
    Pipeline,
    spec={"steps": [TRAIN], "suspend": True},
    creates=(
        *STEP_RULES,
        Create(
            "write exactly one of cron, dataset, monitor and condition",
            good=_trigger(cron={"schedule": "0 3 * * *"}),
            bad=_trigger(cron={"schedule": "0 3 * * *"}, dataset={"name": "table"}),
        ),
        Create(
            "write exactly one of cron, dataset, monitor and condition",
            good=_trigger(condition={"kind": "Model", "name": "m", "type": "ChampionAvailable", "status": "False"}),
            bad=_trigger(),
        ),
    ),
    story=(
        _trigger(dataset={"name": "table", "minNewRows": 5}),
        {**_trigger(cron={"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin"}), "limits": {"cooldown": "1m"}},
        _trigger(condition={"kind": "Dataset", "name": "table", "type": "Ready", "status": "True", "for": "1s"}),
        {"parameters": [{"name": "trees", "default": "10"}], **_steps(CHECK, {**TRAIN, "after": ["check"]})},
    ),
    referred=("fz-one", "fz-two"),
    history=("lastRun", "lastStartTime", "nextSchedule", "runs", "skipped", "triggers"),
)
