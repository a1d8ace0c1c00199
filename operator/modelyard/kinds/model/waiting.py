"""Says which version waits to become champion, why it waits, and by which command a person promotes it."""

from __future__ import annotations

from dataclasses import replace

from modelyard.engine.conditions import Condition
from modelyard.workload.versions import broken, judged, promote_command, usable, why_unusable
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion

WAITING = ("AwaitingPromotion", "ChallengerNotApproved", "ChampionNotReady")
"""Reasons of ChampionAvailable with which a version may wait for a person."""
MAX_WHY = 600
"""Longest part of the message, in characters, that says why a version was not approved."""


def none(model: ModelKind, versions: tuple[ModelVersion, ...]) -> Condition:
    """Returns why there is no champion. It is a Warning once a person has to act."""
    if not versions:
        return _absent("NoVersions", "no version yet; apply a TrainingRun whose spec.modelRef names this Model")
    ready = [version for version in versions if usable(version)]
    if not ready:
        return _absent("VersionNotReady", f"no version is Ready yet; see the conditions of {versions[-1].name}")
    newest = ready[-1]
    if model.spec.promotion == "Manual":
        return _absent("AwaitingPromotion", _awaits(model, newest), warning=True)
    if newest.status.approved is False:
        message = f"no version passes all gates; version {newest.spec.number}: {_why(newest)}"
        return _absent("NoVersionApproved", message, warning=True)
    return _absent("VersionNotJudged", f"the gates of version {newest.spec.number} have not been evaluated yet")


def present(model: ModelKind, versions: tuple[ModelVersion, ...], champion: int) -> Condition:
    """Returns which version is champion, whether it can serve, and why the newest is not, if it could follow.

    A champion that can't serve does not hide who might follow it: then that matters most.
    """
    newer = [version for version in versions if version.spec.number > champion and usable(version)]
    follower = _follower(model, newer[-1], champion) if newer else None
    chosen = {version.spec.number: version for version in versions}.get(champion)
    if chosen is not None and not usable(chosen):
        why = f"is not Ready{why_unusable(chosen)}; correct that, or set spec.pin"
        after = f"; {follower.message}" if follower else ""
        return _absent("ChampionNotReady", f"version {champion} is champion, and {why}{after}", warning=True)
    message = f"version {champion} is champion"
    if follower is None:
        return _present("Promoted", message)
    return replace(follower, message=f"{message}; {follower.message}")


def _follower(model: ModelKind, newest: ModelVersion, champion: int) -> Condition:
    """Returns why the newest version, which is newer than the champion, is not champion itself."""
    number = newest.spec.number
    if model.spec.pin is not None:
        return _present(
            "Promoted", f"spec.pin keeps it: version {number} follows only if the pin names it or is removed"
        )
    if model.spec.promotion == "Manual":
        return _present("AwaitingPromotion", _awaits(model, newest))
    if not judged(newest, model, champion):
        return _present("Promoted", f"version {number} is being judged{_obstacle(newest)}")
    command = promote_command(model.namespace, model.name, number)
    message = f"version {number} is not promoted: {_why(newest)}. To promote it whatever the gates say: {command}"
    return _present("ChallengerNotApproved", message, warning=True)


def _absent(reason: str, message: str, warning: bool = False) -> Condition:
    return Condition("ChampionAvailable", False, reason, message, warning)


def _present(reason: str, message: str, warning: bool = False) -> Condition:
    return Condition("ChampionAvailable", True, reason, message, warning)


def _obstacle(version: ModelVersion) -> str:
    """Returns what keeps the comparison with the champion from its end, such as a pod that can't be scheduled."""
    judgement = version.status.condition("Approved")
    if judgement is None or version.status.approved is not None:
        return ""
    return f" ({judgement.reason}: {judgement.message[:MAX_WHY]})"


def _awaits(model: ModelKind, version: ModelVersion) -> str:
    number = version.spec.number
    failed = f", although it is not approved ({_why(version)})" if version.status.approved is False else ""
    command = promote_command(model.namespace, model.name, number)
    return f"version {number} waits to be promoted, since spec.promotion is Manual{failed}: {command}"


def _why(version: ModelVersion) -> str:
    text = broken(version)
    return text if len(text) <= MAX_WHY else text[: MAX_WHY - 3] + "..."
