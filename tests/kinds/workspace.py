"""The sample of Workspace: one person, no data."""

from __future__ import annotations

from modelyard_api.kinds.workspace import Workspace
from modelyard_api.wire.task import BringTask
from tests.kinds.sample import Object, Sample, Update


def person(name: str, secret: str = "tokens", key: str = "token") -> Object:
    return {"name": name, "secretRef": {"name": secret, "key": key}}


SAMPLE = Sample(
    Workspace,
    spec={"people": [person("kim")], "suspend": True},
    updates=(
        Update(
            "a volume can't shrink",
            old={"storage": {"size": "2Gi"}},
            good=({"storage": {"size": "2048Mi"}}, {"storage": {"size": "3Gi"}}, {"storage": {"size": 3221225472}}),
            bad=({"storage": {"size": "1Gi"}}, {"storage": {"size": "1900M"}}),
        ),
        Update("a volume can't shrink", good=({}, {"storage": {"size": "6Gi"}}), bad=({"storage": {"size": "4Gi"}},)),
        Update(
            "className is immutable",
            old={"storage": {"className": "fast"}},
            good=({"suspend": False},),
            bad=({"storage": {"className": "slow"}}, {"storage": {"className": None}}),
        ),
        Update("className is immutable", good=({"suspend": False},), bad=({"storage": {"className": "slow"}},)),
    ),
    story=(
        {"people": [person("kim"), person("lee")]},
        {"datasets": [{"name": "table"}]},
        {"datasets": []},
        {"storage": {"size": "6Gi"}},
        {"podTemplate": {"resources": {"limits": {"memory": "1Gi"}}}},
        {"suspend": True},
        {"suspend": False},
    ),
    # The pod that runs keeps its data while a new list of data can't be resolved.
    keeps=(
        "DatasetNotFound",
        "DatasetNotReady",
        "DatasetVersionNotFound",
        "DatasetVersionNotReady",
        "DatasetVersionMismatch",
        "DatasetVersionRejected",
        "ForeignArtifact",
    ),
    task=BringTask,
)
