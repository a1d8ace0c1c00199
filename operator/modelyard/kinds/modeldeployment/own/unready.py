"""Finds out why pods of a ModelDeployment's versions are not ready."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from modelyard.engine.plan import Facts, Missing
from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.names import number_of
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.rollout.evidence import pods_need
from modelyard.workload import server
from modelyard.workload.unready import Described, Unready, inspect


def unready_pods(
    view: View, goal: int | None, pods: Mapping[int, Pods], facts: Facts, now: datetime
) -> dict[int, Unready]:
    """Returns why pods are not ready, by version. Raises Missing, with what all versions need.

    The wanted version's pods count only if they have the wanted template: others are about to be replaced.
    """
    if view.deployment.spec.suspend:
        return {}
    unready: dict[int, Unready] = {}
    missing: list[Missing] = []
    for child in view.pods:
        number = number_of(child)
        if number is None or (number == goal and not pods[number].current):
            continue
        described = Described(
            pods_need(view, number),
            server.fields(view.deployment.spec.pod_template),
            children.PROGRESS_SECONDS,
            "podTemplate or the version",
        )
        try:
            unready[number] = inspect(child, described, facts, now)
        except Missing as error:
            missing.append(error)
    if missing:
        raise Missing(*(need for error in missing for need in error.needs))
    return unready
