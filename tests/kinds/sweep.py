"""The sample of Sweep, suspended, without a Model, and the result of its Job."""

from __future__ import annotations

from modelyard_api.fields.trainer import Estimator
from modelyard_api.kinds.sweep import Sweep
from modelyard_api.wire.result import Error, Failed, SweepResult, TrialResult
from modelyard_api.wire.task import SweepTask
from tests.kinds.datasetversion import VERSION
from tests.kinds.sample import Create, Pod, Sample, once_started

BAD_SEED = 13
"""A sweep with this seed fails by its user's error."""
FOREST = {"algorithm": "RandomForestClassifier", "params": {"n_estimators": {"low": 10, "high": 50}}}
"""A candidate of a search."""


def search(task: SweepTask, _: str) -> SweepResult | Failed:
    if task.spec.sampler.seed == BAD_SEED:
        return Failed(error=Error(reason="TooManyFailedTrials", message="11 trials have failed, 10 may"))
    candidate = task.spec.search.candidates[0]
    best = TrialResult(trial=1, value=0.9, estimator=Estimator(algorithm=str(candidate.algorithm)))
    return SweepResult(succeeded=task.spec.max_trials, best=best, dataset_version=task.data.name, image=task.image)


def _params(space: object) -> dict[str, object]:
    return {"search": {"candidates": [{"algorithm": "RandomForestClassifier", "params": {"max_features": space}}]}}


def _features(**features: object) -> dict[str, object]:
    return {"search": {"features": features}}


_RANGE, _LESS = "write low and high (with log: true", "write a low that is less than high"
_LOG = "log is for a range; write low and high"
SAMPLE = Sample(
    Sweep,
    spec={
        "datasetRef": {"name": "table"},
        "objective": "balanced_accuracy",
        "maxTrials": 4,
        "search": {"candidates": [FOREST]},
        "suspend": True,
    },
    creates=(
        Create(_RANGE, good=_params({"low": 0.1, "high": 0.9}), bad=_params({"low": 0.1})),
        Create(_RANGE, good=_params({"values": [2, "sqrt", 0.5, None]}), bad=_params({"values": [1], "low": 1})),
        Create(_LOG, bad=_params({"values": [1], "log": True})),
        Create(_LESS, good=_params({"low": 1, "high": 2}), bad=_params({"low": 2, "high": 1})),
        Create(
            "log needs a low above 0",
            good=_params({"low": 0.1, "high": 1, "log": True}),
            bad=_params({"low": 0, "high": 1, "log": True}),
        ),
        Create(
            "methods that select need keep",
            good=_features(select=["None", "FTest"], keep={"low": 2, "high": 2}),
            bad=_features(select=["FTest"]),
        ),
        Create("write a low of at most high", bad=_features(keep={"low": 3, "high": 2})),
    ),
    updates=once_started(
        Sweep,
        {"datasetRef": {"name": "other"}},
        {"modelRef": {"name": "m"}},
        {"objective": "accuracy"},
        {"sampler": {"name": "Random"}},
        {"maxTrials": 5},
        {"maxFailedTrials": 1},
        {"parallelTrials": 2},
        {"trialTimeout": "10s"},
        {"validation": {"folds": 3}},
        _params({"values": [1, 2]}),
        _features(select=["FTest"], keep={"low": 1, "high": 2}),
        {"backoffLimit": 0},
        {"podTemplate": {"image": "other"}},
    ),
    pod=Pod(
        SweepTask,
        SweepResult,
        {
            "kind": "Sweep",
            "succeeded": 3,
            "failed": 1,
            "best": {
                "trial": 2,
                "value": 0.93,
                "estimator": {"algorithm": "RandomForestClassifier", "params": {"n_estimators": 20}},
            },
            "commonError": "TimedOut: it took longer than spec.trialTimeout (1 of 1)",
            "datasetVersion": VERSION,
            "image": "runtime:1",
        },
        search,
    ),
    story=(
        {"modelRef": {"name": "m"}},
        {"datasetRef": {"version": VERSION}, "modelRef": {"name": "fz-one"}, "parallelTrials": 2},
        {"search": {"candidates": [{"algorithm": "SVC", "params": {"C": {"low": 0.1, "high": 10, "log": True}}}]}},
    ),
)
