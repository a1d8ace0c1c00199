"""Keeps every read of a pass in the namespace of its object, whatever a status or an annotation says.

The operator may read and delete all namespaces' artifacts, and people may write what its decisions go by. So it is not
left to each decision to look where an address leads.
"""

from __future__ import annotations

from modelyard.engine.plan import (
    Closed,
    Deleted,
    Delivered,
    EventsOf,
    Fetch,
    Need,
    Page,
    PodsOf,
    PodsWith,
    Result,
    Unavailable,
    Unreadable,
)
from modelyard.engine.resource import GATEWAYS
from modelyard_api.fields.artifact import experiment, home, is_of

SHARED = {GATEWAYS: "people share it by design, and its own allowedRoutes say who may use it"}
"""Namespaced resources that an object may name in another namespace, and why."""


def outside(need: Need, namespace: str) -> Unavailable | Unreadable | None:
    """Returns the fact of a need that leads out of the namespace, None if it doesn't."""
    match need:
        case Fetch():
            # Without a namespace it is an object of the cluster: a node, a definition.
            if need.namespace in ("", namespace) or need.resource in SHARED:
                return None
            return Unavailable(f"{need.resource.kind} {need.namespace}/{need.name} is of another namespace")
        case PodsOf() | PodsWith() | EventsOf():
            return None if need.namespace == namespace else Unavailable(f"{need.namespace} is another namespace")
        case Closed():
            is_own = need.experiment.startswith(experiment(namespace, ""))
            return None if is_own else Unavailable(f"the experiment {need.experiment} is of another namespace")
        case Delivered() | Page():
            # What is delivered needs the other namespace's word, and pages are those of pods that were listed.
            return None
    uris = need.uris if isinstance(need, Deleted) else (need.uri,)
    if foreign := [uri for uri in uris if not is_of(namespace, uri)]:
        message = f"{foreign[0]} is no path of plain names below {home(namespace)}, and so of another namespace"
        return Unreadable(message) if isinstance(need, Result) else Unavailable(message)
    return None
