"""What a file of ``tests/kinds`` says of its kind, and what the tests make of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from modelyard_api import API_VERSION
from modelyard_api.fields.base import NAME_RULE, Kind
from modelyard_api.fields.facts import WAITING
from modelyard_api.fields.status import RunStatus
from modelyard_api.wire.result import Failed
from modelyard_api.wire.task import Common

Object = dict[str, Any]

BASE = "mlflow-artifacts:/BASE"
"""Stands in a result for the task's folder in the artifact store, which is known only when there is a Job."""
SHA = "sha256:" + "0" * 64
SIGNATURE = {
    "inputs": [{"name": "x", "datatype": "FP32"}],
    "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]}],
    "classes": ["no", "yes"],
}
METRICS = {"balanced_accuracy": 0.93, "log_loss": 0.3}
LONGEST = "a" * 45
"""The longest name that an object may have whose children have names that are made from it."""


@dataclass(frozen=True)
class Create:
    """A CEL rule's message with an object that is accepted and one that is refused by it.

    ``good`` and ``bad`` are merge-patches of the sample's spec; the names only where the rule is about them.
    """

    message: str
    good: Object = field(default_factory=dict)
    bad: Object = field(default_factory=dict)
    good_name: str | None = None
    bad_name: str | None = None


@dataclass(frozen=True)
class Update:
    """A rule about changes: merge-patches of a stored spec. ``status`` is what was written there before."""

    message: str
    good: tuple[Object, ...]
    bad: tuple[Object, ...]
    status: Object = field(default_factory=dict)
    old: Object = field(default_factory=dict)


NAMES = tuple(
    Create("metadata.name must be a DNS-1035 label", good_name=good, bad_name=bad)
    for good, bad in ((LONGEST, LONGEST + "a"), ("a-1", "1-a"), ("a-b", "a.b"))
)
"""The cases of ``NAME_RULE``."""


@dataclass(frozen=True)
class Pod:
    """What the pods of a kind's Jobs do.

    ``document`` is a good result of type ``result``, with ``BASE`` in it. ``play`` gives what a pod with this task
    leaves: the same from the same task and data, where the data is the text of the source. ``is_over`` says whether an
    object has understood that the Job of this name has ended; None: by the reason of its Ready.
    """

    task: type[Common]
    result: type[BaseModel]
    document: Object
    play: Callable[[Any, str], BaseModel | Failed]
    is_over: Callable[[Object, str], bool] | None = None


@dataclass(frozen=True)
class Sample:
    """``spec`` is the smallest good one; one that can be suspended is, so that nothing is made of it by mistake."""

    kind: type[Kind]
    spec: Object
    name: str = "one"
    creates: tuple[Create, ...] = ()
    updates: tuple[Update, ...] = ()
    pod: Pod | None = None
    story: tuple[Object, ...] = ()
    """What a person may write of it in the course of time: changes of the sample, which is not suspended any more."""
    referred: tuple[str, ...] = ()
    """How others name it, where fuzzed objects refer to one of its kind; what is likely stands there more than once."""
    names: Callable[[Object], tuple[str, ...]] | None = None
    """The names that a fuzzed object of this spec may have; None: any."""
    numbered: Callable[[int], tuple[str, Object]] | None = None
    """Name and change of one of many objects that may stand beside each other; None: the number is in its name."""
    history: tuple[str, ...] = ()
    """Fields of its status that tell of what once was: two objects may differ in them and be in the same state."""
    of_pods: tuple[str, ...] = ()
    """Fields of its status that hold names of pods, or a hash of them."""
    keeps: tuple[str, ...] = ()
    """Reasons of Ready with which it leaves what it has made before as it is."""

    @property
    def cases(self) -> tuple[Create, ...]:
        """The cases of all rules that a new object has to keep."""
        return (*(NAMES if NAME_RULE in self.kind.info.rules else ()), *self.creates)

    @property
    def past(self) -> set[str]:
        """``history``, and what every run says of when it was."""
        of_runs = {"startTime", "completionTime"} if issubclass(_part(self.kind, "status"), RunStatus) else set()
        return {*self.history, *of_runs}

    @property
    def is_immutable(self) -> bool:
        extra = _part(self.kind, "spec").model_config.get("json_schema_extra")
        rules = extra.get("x-kubernetes-validations", []) if isinstance(extra, dict) else []
        return any(isinstance(one, dict) and one["rule"] == "self == oldSelf" for one in rules)  # type: ignore[union-attr]

    @property
    def good_result(self) -> Object:
        """Of a kind with Jobs."""
        assert self.pod is not None, f"{self.kind.info.kind} makes no Jobs"
        return dict(self.pod.document)

    def make(self, change: Object | None = None, name: str | None = None, namespace: str | None = None) -> Object:
        """The object with a merge-patch of its spec, where None removes a field."""
        meta = {"name": name or self.name} | ({"namespace": namespace} if namespace else {})
        spec = merged(self.spec, change or {})
        return {"apiVersion": API_VERSION, "kind": self.kind.info.kind, "metadata": meta, "spec": spec}

    def beside(self, number: int) -> Object:
        """One of many that may stand in one namespace."""
        name, change = self.numbered(number) if self.numbered else (f"{self.name}-{number}", {})
        return self.make(change, name)

    def has_understood(self, obj: Object, job: str) -> bool:
        """Whether an object says something of how its Job has ended."""
        assert self.pod is not None
        assert self.kind.info.runs is not None
        if self.pod.is_over:
            return self.pod.is_over(obj, job)
        conditions = (obj.get("status") or {}).get("conditions") or ()
        reasons = [item["reason"] for item in conditions if item["type"] == "Ready"]
        return not set(reasons) & {*WAITING, self.kind.info.runs.under_way}


def _part(kind: type[Kind], name: str) -> type[BaseModel]:
    """The model of a kind's spec or status."""
    part = kind.model_fields[name].annotation
    assert isinstance(part, type)
    assert issubclass(part, BaseModel)
    return part


def merged(base: Object, change: Object) -> Object:
    """``base`` with ``change`` applied as a JSON merge-patch."""
    made = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = merged(made[key], value)
        else:
            made[key] = copy.deepcopy(value)
    return made
