"""The sample of ModelMonitor, suspended."""

from __future__ import annotations

from modelyard_api.kinds.modelmonitor import ModelMonitor
from tests.kinds.datasetversion import VERSION
from tests.kinds.sample import Create, Sample

_LENGTH = "window.length must be 10s, 20s, 30s, or whole minutes up to 50m"

_LENGTHS = (("10s", "9s"), ("30s", "40s"), ("1m", "90s"), ("50m", "51m"), ("120s", "0m"), ("1m60s", "5m5s"))


def _window(length: str) -> dict[str, object]:
    return {"window": {"length": length}}


SAMPLE = Sample(
    ModelMonitor,
    spec={"deploymentRef": {"name": "fz-one"}, "suspend": True},
    creates=tuple(Create(_LENGTH, good=_window(good), bad=_window(bad)) for good, bad in _LENGTHS),
    story=(
        {"window": {"length": "1m", "minRows": 1}},
        {"reference": {"datasetVersion": VERSION}, "inputs": {"exclude": ["x0"]}},
        {"deploymentRef": {"name": "fz-two"}, "falseAlarms": {"perWeek": 50}},
    ),
    history=("looks", "alarms", "missed", "window", "columns"),
    of_pods=("pods",),
)
