"""Tables of the trials' leases: what is told, known, too late, queued again, and given up."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_runtime.search.trials import LEASE, RETRIES, Entry, Trials

A, B = "0-a", "1-b"


def trials(count: int = 3, failed: int = 1, greater: bool = True) -> Trials:
    return Trials(count, failed, greater)


def ask(to: Trials, worker: str, now: float = 0.0) -> int:
    number = len(to)
    to.apply({"event": "asked", "trial": number, "proposal": {"candidate": 0}})
    to.lease(to[number], worker, now)
    return number


def test_a_trial_is_told_once() -> None:
    of = trials()
    number = ask(of, A)
    assert of.tell(number, 1, 0.5, None) == {"event": "told", "trial": 0, "attempt": 1, "value": 0.5}
    assert of.tell(number, 1, 0.9, None) is None, "it is known"
    assert of.tell(7, 1, 0.9, None) is None, "nobody has asked for it"
    assert (of.succeeded, of[number].value) == (1, 0.5)


def test_a_lost_trial_is_queued_again_and_then_given_up() -> None:
    of = trials()
    number, now = ask(of, A), 0.0
    for attempt in range(1, RETRIES + 1):
        assert of.expire(now + LEASE - 1) == []
        now += LEASE
        assert of.expire(now) == [{"event": "expired", "trial": number, "attempt": attempt}]
        assert of.tell(number, attempt, 0.9, None) is None, "what a lost worker tells comes too late"
        trial = of.waiting(now)
        assert trial is of[number]
        of.lease(trial, B, now)
    (entry,) = of.expire(now + LEASE)
    assert (entry["event"], of.failed) == ("told", 1)
    assert entry["error"].startswith("WorkerLost: 3 workers were lost")


def test_a_renewed_lease_goes_on() -> None:
    of = trials()
    number = ask(of, A)
    assert of.renew(number, 1, A, LEASE - 1)
    assert of.expire(LEASE) == []
    assert not of.renew(number, 1, B, LEASE), "another worker has it"
    assert not of.renew(number, 2, A, LEASE), "there was no such attempt"
    assert not of.renew(9, 1, A, LEASE)


def test_after_a_restart_a_worker_keeps_its_trial() -> None:
    of = trials()
    number = ask(of, A)
    of.hold(100.0)
    assert of.waiting(100.0) is None
    assert of.renew(number, 1, A, 101.0)
    assert of.of(A) is of[number]
    of.hold(200.0)
    assert of.waiting(200.0 + LEASE) is of[number], "nobody has renewed it, so it is free"


def test_a_worker_that_asks_again_has_its_trial() -> None:
    of = trials()
    number = ask(of, A)
    assert of.of(A) is of[number]
    assert of.of(B) is None


@pytest.mark.parametrize(("greater", "best"), [(True, 0.9), (False, 0.1)])
def test_the_best(greater: bool, best: float) -> None:
    of = trials(greater=greater)
    for value in (0.5, 0.9, 0.1):
        of.tell(ask(of, A), 1, value, None)
    assert of.best is not None
    assert (of.best.value, of.is_over, of.may_ask, of.running) == (best, True, False, 0)


def test_too_many_failures_end_it() -> None:
    of = trials(count=10, failed=1)
    running = ask(of, B)
    for error in ("X: a", "Y: b"):
        assert of.may_ask
        of.tell(ask(of, A), 1, None, error)
    assert (of.has_failed, of.is_over, of.may_ask) == (True, True, False)
    assert of.tell(running, 1, 0.9, None) is None
    assert not of.renew(running, 1, B, 1.0), "its worker is told to stop"


def test_the_entries_lead_to_the_same() -> None:
    of, entries = trials(), list[Entry]()

    def note(entry: Entry | None) -> None:
        assert entry is not None
        entries.append(entry)

    for worker in (A, B):
        entries.append({"event": "asked", "trial": len(of), "proposal": {"candidate": 0}})
        of.apply(entries[-1])
        of.lease(of[len(of) - 1], worker, 0.0)
    note(of.tell(0, 1, 0.5, None))
    entries += of.expire(LEASE)
    note(of.tell(1, 2, None, "X: a"))
    again = trials()
    for entry in entries:
        again.apply(entry)
    assert _state(again) == _state(of)


def _state(of: Trials) -> list[Any]:
    return [
        of.succeeded,
        of.failed,
        *((t.number, t.attempt, t.value, t.error) for t in map(of.__getitem__, range(len(of)))),
    ]
