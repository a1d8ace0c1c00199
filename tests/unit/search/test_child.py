"""Trips every limit of the child in which a trial runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.search import child


def crash() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def refuse() -> NoReturn:
    raise UserError("FitFailed", "no rows")


def break_down() -> NoReturn:
    raise ValueError("wrong\nand more")


def sleep() -> float:
    time.sleep(600)
    return 0.0


def run(function: Callable[[], float], seconds: float = 60.0) -> float | None:
    return child.run(function, seconds, lambda: True)


def test_a_value_comes_back() -> None:
    assert run(lambda: 0.25) == 0.25


@pytest.mark.parametrize(
    ("function", "seconds", "says"),
    [
        (crash, 60, "Crashed: its process was ended by SIGKILL"),
        (refuse, 60, "FitFailed: no rows"),
        (break_down, 60, "ValueError: wrong"),
        (sleep, 0.5, "TimedOut: it took longer than spec.trialTimeout"),
        (lambda: float("nan"), 60, "NotFinite: its value is nan"),
    ],
)
def test_an_end_says_why(function: Callable[[], float], seconds: float, says: str) -> None:
    with pytest.raises(child.Ended, match=says):
        run(function, seconds)


def test_it_may_not_use_more_memory_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_memory_left", lambda: 100 * 2**20)
    assert run(lambda: float(len(bytearray(10 * 2**20)))) == 10 * 2**20
    with pytest.raises(child.Ended, match=r"OutOfMemory: .*spec.podTemplate.resources.limits.memory"):
        run(lambda: float(len(bytearray(500 * 2**20))))


def test_it_is_ended_when_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "TICK", 0.1)
    assert child.run(sleep, 60.0, lambda: False) is None
