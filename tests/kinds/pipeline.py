"""The sample of Pipeline, suspended, with one step, and the cases of the rules of steps."""

from __future__ import annotations

from typing import Any

from modelyard_api.kinds.pipeline import Pipeline
from tests.kinds.sample import Create, Object, Sample

TRAIN: Object = {
    "name": "train",
    "trainingRun": {
        "datasetRef": {"name": "table"},
        "trainer": {"estimator": {"algorithm": "RandomForestClassifier", "params": {"n_estimators": 10}}},
    },
}
CHECK: Object = {"name": "check", "container": {"image": "localhost/check:1", "outputs": ["trees"]}}


def _trigger(**more: Any) -> Object:
    return {"triggers": [{"name": "t", **more}]}


def _steps(*steps: Object) -> Object:
    return {"steps": list(steps)}


def _train(**more: Any) -> Object:
    return {**TRAIN, "trainingRun": {**TRAIN["trainingRun"], **more}}


STEP_RULES = (
    Create(
        "write exactly one of trainingRun and container",
        good=_steps(CHECK),
        bad=_steps({**TRAIN, "container": {"image": "a"}}),
    ),
    Create("write exactly one of trainingRun and container", bad=_steps({"name": "nothing"})),
    Create(
        "after names a step that there is not",
        good=_steps(CHECK, {**TRAIN, "after": ["check"]}),
        bad=_steps(CHECK, {**TRAIN, "after": ["chek"]}),
    ),
    Create(
        "the image of a container is container.image; leave podTemplate.image out",
        good=_steps({"name": "a", "container": {"image": "a", "podTemplate": {"priorityClassName": "high"}}}),
        bad=_steps({"name": "a", "container": {"image": "a", "podTemplate": {"image": "b"}}}),
    ),
    Create(
        "write exactly one of estimator and container",
        good=_steps(_train(trainer={"container": {"image": "$(parameters.image)"}})),
        bad=_steps(_train(trainer={})),
    ),
    Create(
        "modelyard-system is the operator's own PriorityClass",
        good=_steps(_train(podTemplate={"priorityClassName": "$(parameters.priority)"})),
        bad=_steps(_train(podTemplate={"priorityClassName": "modelyard-system"})),
    ),
    Create(
        "should match",
        good=_steps(_train(datasetRef={"name": "table", "version": "$(trigger.datasetVersion)"})),
        bad=_steps(_train(datasetRef={"name": "table", "version": "Not A Name"})),
    ),
)
"""The cases of the rules of ``Step``, with the steps of a spec."""

SAMPLE = Sample(
    Pipeline,
    spec={"steps": [TRAIN], "suspend": True},
    creates=(
        *STEP_RULES,
        Create(
            "write exactly one of cron, dataset and condition",
            good=_trigger(cron={"schedule": "0 3 * * *"}),
            bad=_trigger(cron={"schedule": "0 3 * * *"}, dataset={"name": "table"}),
        ),
        Create(
            "write exactly one of cron, dataset and condition",
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
