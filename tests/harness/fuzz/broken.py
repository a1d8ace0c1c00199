"""An operator with a defect: it raises an error on a Model whose promotion is Automatic."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from modelyard import main
from modelyard.engine.plan import Facts, Plan
from modelyard.kinds.model import controller
from modelyard.kinds.model.decide import decide
from modelyard.kinds.model.observe import View


def _decide_or_raise(view: View, facts: Facts, now: datetime) -> Plan:
    if view.model.spec.promotion == "Automatic":
        raise RuntimeError("Automatic")
    return decide(view, facts, now)


if __name__ == "__main__":
    controller.WIRING = dataclasses.replace(controller.WIRING, decide=_decide_or_raise)
    main.main()
