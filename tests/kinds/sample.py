"""The class of the samples: what a file of ``tests/kinds`` says about its kind, and how tests build objects from it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from modelyard_api import API_VERSION
from modelyard_api.fields.artifact import SCHEME
from modelyard_api.fields.base import NAME_RULE, Kind
from modelyard_api.fields.facts import WAITING
from modelyard_api.fields.status import is_run
from modelyard_api.wire.result import Failed
from modelyard_api.wire.task import Common

Object = dict[str, Any]

BASE = "mlflow-artifacts:/BASE"
"""Stands in a result for the task's folder in the artifact store, which is known only once the Job exists."""
NAMESPACE = "NAMESPACE"
HERE = f"{SCHEME}modelyard/{NAMESPACE}"
"""Stands in a sample for the artifacts of the namespace that the object is applied to; ``placed`` replaces it."""
SHA = "sha256:" + "0" * 64
SIGNATURE = {
    "inputs": [{"name": "x", "datatype": "FP32"}],
    "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]}],
    "classes": ["no", "yes"],
}
METRICS = {"balanced_accuracy": 0.93, "log_loss": 0.3}
LONGEST = "a" * 45
"""The longest name of an object whose children's names are derived from it."""


@dataclass(frozen=True)
class Create:
    """A CEL rule's message, with an object that the rule accepts and one that it refuses.

    ``good`` and ``bad`` are merge-patches of the sample's spec; ``good_name`` and ``bad_name`` are set only if the rule
    concerns the name.
    """

    message: str
    good: Object = field(default_factory=dict)
    bad: Object = field(default_factory=dict)
    good_name: str | None = None
    bad_name: str | None = None


@dataclass(frozen=True)
class Update:
    """A CEL rule about updates.

    ``good`` and ``bad`` are merge-patches of the stored spec, which is the sample's changed by ``old``. ``status`` is
    written before the update.
    """

    message: str
    good: tuple[Object, ...]
    bad: tuple[Object, ...]
    status: Object = field(default_factory=dict)
    old: Object = field(default_factory=dict)


STARTED = {"startTime": "2026-01-01T00:00:00Z"}


def once_started(kind: type[Kind], *edits: Object) -> tuple[Update, ...]:
    """Returns the cases of ``immutable_once_started``: what may be edited until a run has started, and not after."""
    message = f"a {kind.info.kind} that has started is immutable"
    policy = ({"suspend": False}, {"ttlSecondsAfterFinished": 60}, {"activeDeadlineSeconds": 60})
    return (Update(message, status=STARTED, good=policy, bad=edits), Update(message, good=edits, bad=()))


NAMES = tuple(
    Create("metadata.name must be a DNS-1035 label", good_name=good, bad_name=bad)
    for good, bad in ((LONGEST, LONGEST + "a"), ("a-1", "1-a"), ("a-b", "a.b"))
)
"""The cases of ``NAME_RULE``."""


def _metadata(**parts: Object) -> Object:
    return {"podTemplate": {"metadata": parts}}


SPREAD: Object = {
    "maxSkew": 1,
    "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"team": "a"}},
}
"""A topology spread constraint."""
PODS = (
    *(
        Create(
            "labels by which the operator and Kubernetes find pods",
            good=_metadata(labels={"team": "a", "sidecar.istio.io/inject": "true", "app.kubernetes.io/part-of": "x"}),
            bad=_metadata(labels={key: "a"}),
        )
        for key in ("modelyard.dev/model", "batch.kubernetes.io/job-name", "app.kubernetes.io/name", "job-name")
    ),
    *(
        Create(
            "annotations of the operator, of Jobs and of AppArmor",
            good=_metadata(annotations={"prometheus.io/scrape": "true"}),
            bad=_metadata(annotations={key: "a"}),
        )
        for key in ("modelyard.dev/task", "container.apparmor.security.beta.kubernetes.io/main")
    ),
    Create(
        "modelyard-system is the operator's own PriorityClass",
        good={"podTemplate": {"priorityClassName": "high"}},
        bad={"podTemplate": {"priorityClassName": "modelyard-system"}},
    ),
)
"""The cases of the rules of ``PodTemplate``."""


@dataclass(frozen=True)
class Pod:
    """What the pods of a kind's Jobs do.

    ``document`` is a good result of type ``result``, with ``BASE`` in it. ``play`` returns the result of a pod with
    this task and the text of the source; it depends on nothing else. ``is_over`` returns whether an object's status
    shows that the Job of this name has ended; None means that the reason of its Ready shows it.
    """

    task: type[Common]
    result: type[BaseModel]
    document: Object
    play: Callable[[Any, str], BaseModel | Failed]
    is_over: Callable[[Object, str], bool] | None = None


@dataclass(frozen=True)
class Sample:
    """``spec`` is the smallest good spec. It is suspended if the kind allows that, so that no children are created by
    mistake."""

    kind: type[Kind]
    spec: Object
    name: str = "one"
    creates: tuple[Create, ...] = ()
    updates: tuple[Update, ...] = ()
    pod: Pod | None = None
    story: tuple[Object, ...] = ()
    """The specs that a person may write one after the other: changes of the sample, which is not suspended then."""
    referred: tuple[str, ...] = ()
    """Names by which fuzzed objects refer to objects of this kind; likely names are repeated."""
    names: Callable[[Object], tuple[str, ...]] | None = None
    """Returns the names that a fuzzed object with this spec may have; None means any name."""
    numbered: Callable[[int], tuple[str, Object]] | None = None
    """Returns the name and the change of the n-th of many objects in one namespace; None means that only the name gets
    the number."""
    history: tuple[str, ...] = ()
    """Fields of the status that record the past: two objects in the same state may differ in them."""
    of_pods: tuple[str, ...] = ()
    """Fields of the status that hold names of pods, or a hash of them."""
    keeps: tuple[str, ...] = ()
    """Reasons of Ready with which the object leaves its existing children unchanged."""
    task: type[Common] | None = None
    """The task of pods that belong to no Job, and so leave no result."""

    @property
    def cases(self) -> tuple[Create, ...]:
        """Returns the cases of all rules for new objects."""
        names = NAMES if NAME_RULE in self.kind.info.rules else ()
        pods = PODS if "pod_template" in _part(self.kind, "spec").model_fields else ()
        return (*names, *pods, *self.creates)

    @property
    def past(self) -> set[str]:
        """Returns the fields of ``history``, and the start and completion times of runs."""
        of_runs = {"startTime", "completionTime"} if is_run(self.kind) else set()
        return {*self.history, *of_runs}

    @property
    def is_immutable(self) -> bool:
        extra = _part(self.kind, "spec").model_config.get("json_schema_extra")
        rules = extra.get("x-kubernetes-validations", []) if isinstance(extra, dict) else []
        return any(isinstance(rule, dict) and rule["rule"] == "self == oldSelf" for rule in rules)  # type: ignore[union-attr]

    @property
    def good_result(self) -> Object:
        """Returns a good result of a Job of this kind, which must have Jobs."""
        assert self.pod is not None, f"{self.kind.info.kind} makes no Jobs"
        return dict(self.pod.document)

    def make(self, change: Object | None = None, name: str | None = None, namespace: str | None = None) -> Object:
        """Returns the object with a merge-patch of its spec, in which None removes a field."""
        meta = {"name": name or self.name} | ({"namespace": namespace} if namespace else {})
        spec = merged(self.spec, change or {})
        obj = {"apiVersion": API_VERSION, "kind": self.kind.info.kind, "metadata": meta, "spec": spec}
        return placed(obj, namespace) if namespace else obj

    def beside(self, number: int) -> Object:
        """Returns the n-th of many objects that may exist in one namespace."""
        name, change = self.numbered(number) if self.numbered else (f"{self.name}-{number}", {})
        return self.make(change, name)

    def has_understood(self, obj: Object, job: str) -> bool:
        """Returns whether the object's status reflects the end of its Job."""
        assert self.pod is not None
        assert self.kind.info.runs is not None
        if self.pod.is_over:
            return self.pod.is_over(obj, job)
        conditions = (obj.get("status") or {}).get("conditions") or ()
        reasons = [item["reason"] for item in conditions if item["type"] == "Ready"]
        return not set(reasons) & {*WAITING, self.kind.info.runs.under_way}


def _part(kind: type[Kind], name: str) -> type[BaseModel]:
    """Returns the pydantic model of a kind's spec or status."""
    part = kind.model_fields[name].annotation
    assert isinstance(part, type)
    assert issubclass(part, BaseModel)
    return part


def placed(value: Any, namespace: str) -> Any:
    """Returns a copy of a document in which ``HERE`` stands for this namespace."""
    match value:
        case str():
            return value.replace(HERE, HERE.replace(NAMESPACE, namespace))
        case dict():
            return {key: placed(item, namespace) for key, item in value.items()}
        case list():
            return [placed(item, namespace) for item in value]
    return value


def merged(base: Object, change: Object) -> Object:
    """Returns ``base`` with ``change`` applied as a JSON merge-patch."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result
