"""A worker does one thing after the other, and what one raises comes out before the next is begun."""

from __future__ import annotations

from threading import Event

import pytest

from modelyard_runtime.tables.versions.worker import Worker


def test_work_is_done_in_its_order_while_its_giver_goes_on() -> None:
    worker, done, may_end = Worker("test"), list[int](), Event()

    def work(number: int) -> None:
        may_end.wait(30)
        done.append(number)

    worker.do(work, 0)
    assert not done
    may_end.set()
    for number in range(1, 100):
        worker.do(work, number)
    worker.wait()
    worker.close()
    assert done == list(range(100))


def test_an_error_is_raised_once_and_no_later_than_the_next_work() -> None:
    worker, done = Worker("test"), list[int]()

    def fail() -> None:
        raise OSError("no space left")

    worker.do(fail)
    with pytest.raises(OSError, match="no space left"):
        worker.do(done.append, 1)
    worker.do(done.append, 2)
    worker.close()
    assert done == [2]
