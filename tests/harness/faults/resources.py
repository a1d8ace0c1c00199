"""The resources that the scenarios' namespaces hold, and where they lie on the API server."""

from __future__ import annotations

from typing import Any

from modelyard.engine.process import feeds_of
from modelyard.engine.resource import BACKEND_POLICIES, GATEWAYS, HTTP_ROUTES, PODS, Resource
from modelyard.kinds import all_controllers
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS

Object = dict[str, Any]

_FED = [fed.resource for fed in feeds_of(all_controllers(Installation()))]
_REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
RESOURCES = {
    one.plural: one
    for one in (*map(Resource.of, KINDS), *_FED, _REPLICA_SETS, PODS, GATEWAYS, HTTP_ROUTES, BACKEND_POLICIES)
}
"""By plural: all that is looked at in a namespace."""
FED = tuple(one.plural for one in _FED)
"""What the operator watches."""
_PLURALS = {one.kind: one.plural for one in RESOURCES.values()}


def plural(kind: str) -> str:
    """How the API server's paths, and the labels of calls, name a kind."""
    return _PLURALS[kind]


def path(plural: str, namespace: str = "", name: str = "") -> str:
    resource = RESOURCES.get(plural) or Resource("", "v1", plural, "")
    return resource.path(namespace, name)
