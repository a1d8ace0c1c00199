"""Whether a run came to the same end as the learnt one."""

from __future__ import annotations

import difflib

from tests.harness.faults.play import Ended

ALLOWANCE = 6
"""Writes more than in the learnt run: a pass that was cut short is made again."""


def judge(learnt: Ended, ended: Ended, late: str = "") -> list[str]:
    """What differs that must not, in lines for people.

    ``late`` is the label of a write that was on its way when its sender lost the lease. Nothing in Kubernetes keeps
    such a create or apply from being carried out after its owner's end, or after the new leader has deleted what it
    makes: it may be made once more, if it is gone in the end.
    """
    wrong = list(ended.wrong)
    for name in sorted({*learnt.state, *ended.state}):
        before, after = learnt.state.get(name, ""), ended.state.get(name, "")
        if before != after:
            diff = difflib.unified_diff(before.splitlines(), after.splitlines(), "learnt", "this run", n=1, lineterm="")
            wrong += [f"{name} differs:", *(f"  {line}" for line in diff)]
    for name in sorted({*learnt.created, *ended.created}):
        more = ended.created[name] - learnt.created[name]
        made_late = late.rsplit(" #", 1)[0] in (f"{verb} {name.replace('/', ' ')}" for verb in ("create", "apply"))
        collected = more == 1 and made_late and name not in learnt.state
        if more and not collected:
            wrong.append(f"{name} was made {ended.created[name]} times, not {learnt.created[name]}")
    for what, now, before in (
        ("writes", *map(len, (ended.writes, learnt.writes))),
        ("events", ended.events, learnt.events),
    ):
        if now > before + ALLOWANCE:
            wrong.append(f"{now} {what}, {now - before} more than in the learnt run")
    return wrong
