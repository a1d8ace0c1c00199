"""Explains why a controller of Kubernetes can't create a pod, by that controller's own words."""

from __future__ import annotations

import re
from decimal import InvalidOperation

from modelyard.workload.conclude import Trouble
from modelyard.workload.template import quantity

_POD = re.compile(r'^(?:Error creating: )?pods? "[^"]*" is forbidden: ')
"""Start of the words. It names a pod that never existed, by another random name at each attempt."""
_EXCEEDED = re.compile(r"exceeded quota: (?P<quota>[^\s,]+), requested: (?P<requested>.*?), used: .*?, limited: (.*)$")


def not_created(message: str, resources: str) -> Trouble:
    """Returns why pods are not created. ``resources`` is the field of their requests and limits."""
    words = _POD.sub("", message.strip())
    if "exceeded quota" in words:
        advice = f"ask for less in {resources}, have the quota raised, or wait until other pods have ended"
        return Trouble("QuotaExceeded", f"pods can't be created: {words}; {advice}")
    if "failed quota" in words:
        return Trouble("QuotaExceeded", f"pods can't be created: {words}; write them in {resources}")
    return Trouble("ChildForbidden", f"pods can't be created: {words}; correct podTemplate, or what it needs")


def may_pass(message: str) -> bool:
    """Whether the refusal may end by itself: the quota has room for the pod once others have ended."""
    match = _EXCEEDED.search(message)
    if match is None:
        return False
    requested, limited = _amounts(match["requested"]), _amounts(match[3])
    try:
        return all(quantity(amount) <= quantity(limited[name]) for name, amount in requested.items())
    except (KeyError, InvalidOperation, ValueError):
        return True


def _amounts(text: str) -> dict[str, str]:
    """Parses ``cpu=1,pods=2``."""
    pairs = (item.partition("=") for item in text.split(","))
    return {name.strip(): amount.strip() for name, _, amount in pairs}
