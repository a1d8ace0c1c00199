"""Looks experiments and runs up in MLflow's own store, in a thread, and remembers them for a minute."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from modelyard_tracking.answers import Refused
from modelyard_tracking.bodies import UID
from modelyard_tracking.rules import Find, Run

SECONDS, REMEMBERED = 60.0, 4096
Store = Callable[[], Any]
"""Returns MLflow's tracking store."""


class Lookup:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[Find, tuple[float, str | Run]] = OrderedDict()

    async def find(self, find: Find) -> str | Run | None:
        """Returns an experiment's name, or a run; None if there is none. Raises Refused if the database is away."""
        until, fact = self._known.get(find, (0.0, None))
        if fact is not None and until > time.monotonic():
            return fact
        fact = await asyncio.to_thread(self._read, find)
        if fact is not None:
            self._known[find] = (time.monotonic() + SECONDS, fact)
            self._known.move_to_end(find)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return fact

    def _read(self, find: Find) -> str | Run | None:
        from mlflow.exceptions import MlflowException

        try:
            if find.kind == "experiment":
                return str(self._store().get_experiment(find.id).name)
            run = self._store().get_run(find.id)
            return Run(str(run.info.experiment_id), run.data.tags.get(UID))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise Refused(503, f"the database can't be read now: {error.error_code}") from error
