"""Checks the table of what a hostile tenant may try, which is made of the attempts themselves."""

from __future__ import annotations

from tests.harness.hostile import table
from tests.harness.hostile.attempts import ATTEMPTS


def test_the_page_lists_the_attempts() -> None:
    assert table.PAGE.read_text() == table.page(), "run make docs"


def test_there_are_more_than_forty_attempts_each_told_once() -> None:
    told = [each.what for each in ATTEMPTS]
    assert len(told) == len(set(told))
    assert len(told) > 40
    assert all(each.stopped_by and each.expected for each in ATTEMPTS)
