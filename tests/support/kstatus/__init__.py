"""Runs kstatus, the library by which GitOps tools tell whether an object is done, as a small program."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.support.answering import Answering


class Verdict(NamedTuple):
    """``status`` is InProgress, Current, Failed or Terminating."""

    status: str
    message: str


class Kstatus(Answering):
    def __init__(self) -> None:
        super().__init__("kstatus")

    def of(self, obj: dict[str, Any]) -> Verdict:
        """Returns the verdict on an object, which needs apiVersion and kind. Raises RuntimeError if it is no object."""
        return Verdict(**self.ask(obj))
