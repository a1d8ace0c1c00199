"""Who may ask for what: a pure function of the request, of who asks, and of what is known about experiments and runs.

It is a positive list. MLflow has some four hundred routes; one that is not named here is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from modelyard_api.fields.artifact import is_path
from modelyard_api.wire.rights import ROOT, Rights
from modelyard_tracking.asked import Asked
from modelyard_tracking.bodies import UID, shape

OPEN = ("/health", "/version")
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
API = "/api/2.0/mlflow/"
BY_NAME = "experiments/get-by-name"


@dataclass(frozen=True)
class Who:
    """A client that the API server knows. The operator's rights are fixed, a pod's are those of its annotations."""

    name: str
    rights: Rights = field(default_factory=Rights)
    is_operator: bool = False


@dataclass(frozen=True)
class Allow:
    pass


@dataclass(frozen=True)
class Put:
    """Bytes are written to this path of the store; ``replace`` whether other bytes may lie there already."""

    path: str
    replace: bool


@dataclass(frozen=True)
class Refuse:
    status: Literal[401, 403]
    why: str


@dataclass(frozen=True)
class Find:
    """What must be looked up first: an experiment's name, or a run's experiment and uid."""

    kind: Literal["experiment", "run"]
    id: str


@dataclass(frozen=True)
class Run:
    experiment_id: str
    uid: str | None


Verdict: TypeAlias = Allow | Put | Refuse | Find
Facts: TypeAlias = Mapping[Find, str | Run | None]

NOBODY = Refuse(401, "send 'Authorization: Bearer <token>' with the pod's token of audience modelyard")
UNKNOWN = Refuse(403, "only a few routes of MLflow are open to pods; people use kubectl port-forward")


def has_body(asked: Asked) -> bool:
    """Whether the request is one whose JSON body decides."""
    return asked.method == "POST" and asked.path.startswith(API) and shape(asked.path.removeprefix(API)) is not None


def decide(asked: Asked, who: Who | None, facts: Facts) -> Verdict:
    """Returns what to do with a request that doesn't come from the server's own pod."""
    if asked.path in OPEN and asked.method == "GET":
        return Refuse(403, "this route has no parameters") if asked.query else Allow()
    if who is None:
        return NOBODY
    if asked.path == ARTIFACTS:
        return _listing(asked, who)
    if asked.path.startswith(f"{ARTIFACTS}/"):
        return _file(asked, who, asked.path.removeprefix(f"{ARTIFACTS}/"))
    if asked.path == f"{API}{BY_NAME}" and asked.method == "GET":
        return _by_name(asked, who)
    if has_body(asked):
        return _call(asked.path.removeprefix(API), asked, who, facts)
    return UNKNOWN


def _listing(asked: Asked, who: Who) -> Verdict:
    if asked.method != "GET" or set(asked.query) != {"path"} or not is_path(path := asked.query["path"]):
        return Refuse(403, "a folder is listed by GET with the parameter 'path' alone")
    return Allow() if who.is_operator or who.rights.may_read(path) else _not_its_own(path, "reads")


def _file(asked: Asked, who: Who, path: str) -> Verdict:
    if asked.query or not is_path(path):
        return Refuse(403, "a path consists of letters, digits and ._- between single slashes, and has no parameters")
    match asked.method:
        case "GET":
            return Allow() if who.is_operator or who.rights.may_read(path) else _not_its_own(path, "reads")
        case "PUT" if who.is_operator and _is_of_a_namespace(path):
            return Put(path, replace=False)
        case "PUT":
            mine = who.rights.may_write(path)
            return Put(path, who.rights.may_replace(path)) if mine else _not_its_own(path, "writes")
        case "DELETE" if who.is_operator and _is_of_a_namespace(path):
            return Allow()
        case "DELETE":
            return Refuse(403, "the operator alone deletes")
    return UNKNOWN


def _is_of_a_namespace(path: str) -> bool:
    return path.startswith(f"{ROOT}/") and path.count("/") >= 2


def _not_its_own(path: str, verb: str) -> Refuse:
    return Refuse(
        403, f"{path} is not what the pod {verb} by its annotations modelyard.dev/task and modelyard.dev/reads"
    )


def _by_name(asked: Asked, who: Who) -> Verdict:
    if set(asked.query) != {"experiment_name"}:
        return Refuse(403, "the parameter 'experiment_name' alone is allowed")
    if who.is_operator or (who.rights.experiment and asked.query["experiment_name"] == who.rights.experiment):
        return Allow()
    return _no_experiment(who)


def _no_experiment(who: Who) -> Refuse:
    own = who.rights.experiment
    return Refuse(403, f"the pod's experiment is {own}" if own else "the pod's task logs no runs")


def _call(route: str, asked: Asked, who: Who, facts: Facts) -> Verdict:
    body, allowed = asked.body or {}, shape(route)
    assert allowed is not None
    if problem := allowed.problem(body):
        return Refuse(403, problem)
    if who.is_operator:
        return Allow() if route in ("runs/search", "runs/update") else UNKNOWN
    rights = who.rights
    if rights.experiment is None:
        return _no_experiment(who)
    if not all(rights.is_own(uid) for uid in allowed.uids(body)):
        return Refuse(403, f"the pod's runs have the tag {UID} = {rights.uid}")
    if "name" in body:
        return Allow() if body["name"] == rights.experiment else _no_experiment(who)
    if "run_id" in body:
        return _of_run(body["run_id"], who, facts)
    ids = body.get("experiment_ids") or [body["experiment_id"]]
    return _of_experiment(str(ids[0]), who, facts)


def _of_run(run_id: str, who: Who, facts: Facts) -> Verdict:
    def own(run: str | Run | None) -> Verdict:
        if not isinstance(run, Run) or not who.rights.is_own(run.uid):
            return Refuse(403, f"no run {run_id} of the pod's task is known")
        return _of_experiment(run.experiment_id, who, facts)

    return _known(Find("run", run_id), facts, own)


def _of_experiment(experiment_id: str, who: Who, facts: Facts) -> Verdict:
    def own(name: str | Run | None) -> Verdict:
        return Allow() if name == who.rights.experiment else _no_experiment(who)

    return _known(Find("experiment", experiment_id), facts, own)


def _known(find: Find, facts: Facts, judge: Callable[[str | Run | None], Verdict]) -> Verdict:
    return judge(facts[find]) if find in facts else find
