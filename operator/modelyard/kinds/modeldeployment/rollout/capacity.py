"""Calculates how many pods each version has at a moment of a rollout. Pure."""

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
    """Returns version -> replicas; versions that are not in the result are to be deleted.

    The stable version keeps all of its pods until the candidate has taken over. With Rolling it gives up one pod for
    each ready pod of the candidate, and both versions together have at most a quarter more pods than ``replicas``.
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
    # Terminating pods of the stable version still take up room, so they count until they are gone.
    return {stable: kept, candidate: min(replicas, max(new.wanted, replicas + surge - max(kept, old.total)))}


def serving_pods(
    status: ModelDeploymentStatus, rollout: Rollout, sizes: Mapping[int, int], replicas: int, pods: Mapping[int, Pods]
) -> int:
    """Returns how many pods serve together, of which a drain may take one.

    With Rolling these are ``replicas``, whatever version they have. In steps the candidate's pods come on top, once all
    are available: a candidate that doesn't start must not keep nodes from being drained.
    """
    candidate = status.candidate
    if candidate is None or status.stable is None or not stages_of(rollout):
        return replicas if sizes else 0
    size = sizes.get(candidate, 0)
    return replicas + (size if pods.get(candidate, Pods()).available >= size else 0)
