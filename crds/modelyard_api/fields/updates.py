"""CEL rules about updates: an edit that would have no effect is refused."""

from __future__ import annotations

from modelyard_api.fields.base import rule


def immutable_once_started(kind: str, *fields: str, while_suspended: tuple[str, ...] = ()) -> dict[str, str]:
    """Returns the rule of a kind of runs, by which these fields of the spec can't change once a run has started.

    Those of ``while_suspended`` can, as long as the run is suspended.
    """
    same = [_unchanged(field) for field in fields]
    same += [f"{_unchanged(field)} || (oldSelf.spec.suspend && self.spec.suspend)" for field in while_suspended]
    but = f" (and {' and '.join(while_suspended)} while it is suspended)" if while_suspended else ""
    return rule(
        f"!has(oldSelf.status) || !has(oldSelf.status.startTime) || [{', '.join(same)}].all(same, same)",
        f"a {kind} that has started is immutable but for suspend, activeDeadlineSeconds and "
        f"ttlSecondsAfterFinished{but}; apply one with a new name instead",
        ".spec",
    )


def immutable(kind: str, *fields: str) -> dict[str, str]:
    """Returns the rule by which only ``suspend`` of a kind's spec can change; ``fields`` are all others."""
    return rule(
        f"[{', '.join(map(_unchanged, fields))}].all(same, same)",
        f"a {kind} is immutable but for suspend; apply one with a new name instead",
        ".spec",
    )


def _unchanged(field: str) -> str:
    """Returns the expression that holds if an update leaves this field as it is, or absent.

    The shorter ``self.spec.?field == oldSelf.spec.?field`` exceeds the API server's estimate of a rule's cost.
    """
    new, old = f"self.spec.{field}", f"oldSelf.spec.{field}"
    return f"has({new}) == has({old}) && (!has({new}) || {new} == {old})"
