"""The sample of ModelPool, without pods."""

from __future__ import annotations

from modelyard_api.kinds.modelpool import ModelPool
from tests.kinds.sample import Sample

SAMPLE = Sample(
    ModelPool,
    spec={"replicas": 0},
    story=({"replicas": 1}, {"podTemplate": {"resources": {"limits": {"memory": "256Mi"}}}}),
    referred=("fz-one", "fz-two"),
    of_pods=("seen",),
)
