"""The operator with a defect: it throws on a Model whose promotion is Automatic."""

from __future__ import annotations

from datetime import datetime

from modelyard import main
from modelyard.engine.plan import Facts, Plan
from modelyard.kinds.model.controller import ModelController
from modelyard.kinds.model.observe import View

_decide = ModelController.decide


def _throws(self: ModelController, view: View, facts: Facts, now: datetime) -> Plan:
    if view.model.spec.promotion == "Automatic":
        raise RuntimeError("Automatic")
    return _decide(self, view, facts, now)


if __name__ == "__main__":
    ModelController.decide = _throws  # type: ignore[method-assign]
    main.main()
