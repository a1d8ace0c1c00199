"""Compares how a run ended with how the learnt one did."""

from __future__ import annotations

import difflib

from tests.harness.faults.play import Ended

ALLOWANCE = 6
"""Tolerated writes beyond those of the learnt run: a pass that was cut short is repeated."""


def judge(learnt: Ended, ended: Ended, late: str = "") -> list[str]:
    """Returns the forbidden differences, as lines for people.

    ``late`` is the label of a write that was under way when its sender lost the lease. Kubernetes may still carry out
    such a create or apply after the end of the object's owner, or after the new leader has deleted the object. So
    that object may be created one more time, provided that it is gone in the end; and so may what the new leader makes
    for it, before Kubernetes collects both. Where the learnt run makes several of one masked name, some of which stay,
    the comparison of the states shows whether one more has stayed.
    """
    wrong = list(ended.wrong)
    for name in sorted({*learnt.state, *ended.state}):
        before, after = learnt.state.get(name, ""), ended.state.get(name, "")
        if before != after:
            diff = difflib.unified_diff(before.splitlines(), after.splitlines(), "learnt", "this run", n=1, lineterm="")
            wrong += [f"{name} differs:", *(f"  {line}" for line in diff)]
    for name in sorted({*learnt.created, *ended.created}):
        more = ended.created[name] - learnt.created[name]
        may_be_gone = name not in learnt.state or learnt.created[name] > 1
        collected = more == 1 and _is_of(name, late) and may_be_gone
        if more and not collected:
            wrong.append(f"{name} was made {ended.created[name]} times, not {learnt.created[name]}")
    for counted, now, before in (
        ("writes", len(ended.writes) - ended.refused, len(learnt.writes)),
        ("events", ended.events, learnt.events),
    ):
        if now > before + ALLOWANCE:
            wrong.append(f"{now} {counted}, {now - before} more than in the learnt run")
    return wrong


def _is_of(name: str, late: str) -> bool:
    """Returns whether this ``plural/name`` was created by the late write, or is a child of what was: see child_name."""
    verb, _, made = late.rsplit(" #", 1)[0].partition(" ")
    if verb not in ("create", "apply"):
        return False
    return name == made.replace(" ", "/") or name.partition("/")[2].startswith(f"{made.partition(' ')[2]}-")
