"""What a kind says of the Job that does its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from modelyard.workload.failures import SPEC, Fields
from modelyard_api.fields.base import Model
from modelyard_api.fields.pods import RunPolicy

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Run(Generic[R]):
    """``expects`` is the type of result that the program writes to ``result_uri`` when it ends well.

    ``attempts`` are those that status knows of. ``fields`` name what a person may change about the pods.
    ``try_again`` ends a message about a run that failed without a reason of its own, and says what to do.
    """

    expects: type[R]
    result_uri: str
    policy: RunPolicy
    attempts: int = 0
    fields: Fields = SPEC
    try_again: str = ""

    @property
    def is_own_container(self) -> bool:
        """Whether the user's own container runs. What our helper collected after its failure, or while it was being
        stopped, may be half a model: only a Job that ended well makes such a result count."""
        return self.fields.own_image is not None
