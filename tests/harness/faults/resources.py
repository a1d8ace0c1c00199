"""The resources that the scenarios' namespaces hold, and their paths on the API server."""

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
    resource.plural: resource
    for resource in (*map(Resource.of, KINDS), *_FED, _REPLICA_SETS, PODS, GATEWAYS, HTTP_ROUTES, BACKEND_POLICIES)
}
"""Plural -> resource, for all resources whose end state is compared."""
FED = tuple(resource.plural for resource in _FED)
"""The plurals of the resources that the operator watches."""
_PLURALS = {resource.kind: resource.plural for resource in RESOURCES.values()}


def plural(kind: str) -> str:
    """Returns the kind's name in the API server's paths and in the labels of writes."""
    return _PLURALS[kind]


def path(plural: str, namespace: str = "", name: str = "") -> str:
    resource = RESOURCES.get(plural) or Resource("", "v1", plural, "")
    return resource.path(namespace, name)
