"""The sample of ModelDeployment, suspended, of a Model's champion."""

from __future__ import annotations

from modelyard_api.kinds.modeldeployment import ModelDeployment
from tests.kinds.rollout import ROLLOUTS
from tests.kinds.sample import SPREAD, Create, Sample

_PACKED = (
    ("the only strategy is Rolling", {"rollout": {"strategy": "Rolling"}}, {"rollout": {"strategy": "BlueGreen"}}),
    ("leave replicas out", {"replicas": 1}, {"replicas": 2}),
    ("leave autoscaling out", {}, {"autoscaling": {"maxReplicas": 2}}),
    ("leave gateway out", {}, {"gateway": {"name": "gw", "hostname": "m.example.com"}}),
    ("leave podTemplate out", {"podTemplate": {}}, {"podTemplate": {"image": "a"}}),
    ("leave podTemplate out", {"podTemplate": {"env": []}}, {"podTemplate": {"env": [{"name": "A"}]}}),
    ("leave podTemplate out", {}, {"podTemplate": {"nodeSelector": {"a": "b"}}}),
    ("leave podTemplate out", {}, {"podTemplate": {"metadata": {"labels": {"team": "a"}}}}),
    ("leave podTemplate out", {}, {"podTemplate": {"serviceAccountName": "a"}}),
    ("leave podTemplate out", {}, {"podTemplate": {"affinity": {}}}),
    ("leave podTemplate out", {}, {"podTemplate": {"topologySpreadConstraints": [SPREAD]}}),
    ("leave logging out", {"logging": {"sampleRate": 0}}, {"logging": {"sampleRate": 0.1}}),
)

SAMPLE = Sample(
    ModelDeployment,
    spec={"modelRef": {"name": "m", "alias": "champion"}, "suspend": True},
    creates=(
        Create(
            "write exactly one of alias (follow it) and version (pin it)",
            good={"modelRef": {"alias": None, "version": 3}},
            bad={"modelRef": {"version": 3}},
        ),
        Create("write exactly one of alias", bad={"modelRef": {"alias": None}}),
        *(
            Create(f"with pool {message}", good={"pool": "small", **good}, bad={"pool": "small", **bad})
            for message, good, bad in _PACKED
        ),
        *ROLLOUTS,
    ),
    story=({}, {"modelRef": {"alias": None, "version": 3}, "replicas": 2}, {"pool": "fz-one"}),
    referred=("fz-one", "fz-two"),
    history=("history", "candidate"),
    keeps=(
        "ModelNotFound",
        "AliasNotSet",
        "VersionNotFound",
        "VersionNotReady",
        "VersionNotJudged",
        "VersionNotApproved",
        "ForeignArtifact",
        "PoolNotFound",
        "PoolHasNoPods",
        "WaitingForPool",
        "LoadFailed",
        "LoadRetried",
        # An autoscaler that lacks metrics is told of once it has lacked them for a while, so a new one isn't yet.
        "AutoscalerNotActive",
        "Suspending",
    ),
)
