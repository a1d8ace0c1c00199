"""How many pods each version has at a moment of a rollout. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.rollout.stages import pods_for, stage_at, stages_of
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.rollout import Rollout


def capacity(
    status: ModelDeploymentStatus, rollout: Rollout, replicas: int, pods: Mapping[int, Pods]
) -> dict[int, int]:
    """Version -> replicas, of those that have any business here: all others go.

    The stable version keeps all of its pods until the candidate has taken over; with Rolling it gives up one for each
    of the candidate's that is ready, and a quarter more pods than ``replicas`` are there at most.
    """
    stable, candidate = status.stable, status.candidate
    if candidate is None:
        return {} if stable is None else {stable: replicas}
    if stable is None:
        return {candidate: replicas}
    stages = stages_of(rollout)
    if stages:
        step = status.rollout.step if status.rollout else 0
        stage = stage_at(stages, step)
        return {stable: replicas, candidate: pods_for(stage, rollout, replicas)}
    new, old = pods.get(candidate, Pods()), pods.get(stable, Pods())
    surge = max(1, ceil(replicas / 4))
    ready = new.available if new.current else 0
    kept = max(0, replicas - ready)
    # Pods of the stable version that are told to go count until they are gone.
    return {stable: kept, candidate: min(replicas, max(new.wanted, replicas + surge - max(kept, old.total)))}
