"""Judges objects as Argo CD and Flux do with the settings that are shipped, by their own engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.support.answering import Answering
from tests.support.kstatus import Verdict

_GITOPS = Path(__file__).parents[3] / "manifests/gitops"


def _script() -> str:
    """Returns the Lua that Argo CD runs for objects of any kind of Modelyard."""
    settings = yaml.safe_load((_GITOPS / "argocd-cm.yaml").read_text())["data"]["resource.customizations"]
    return str(yaml.safe_load(settings)["modelyard.dev/*"]["health.lua"])


def _expressions() -> dict[str, dict[str, str]]:
    """Returns kind -> the expressions that Flux evaluates for it."""
    checks = yaml.safe_load((_GITOPS / "flux-health.yaml").read_text())["healthCheckExprs"]
    return {check["kind"]: check for check in checks}


class Health(Answering):
    def __init__(self) -> None:
        super().__init__("health")
        self._script, self._expressions = _script(), _expressions()

    def argo(self, obj: dict[str, Any]) -> Verdict:
        """Returns Argo CD's verdict: Healthy, Progressing, Degraded or Suspended; Error if the script fails."""
        return Verdict(**self.ask({"object": obj, "lua": self._script}))

    def flux(self, obj: dict[str, Any]) -> Verdict:
        """Returns Flux's verdict: Current, InProgress or Failed; Error if an expression fails."""
        check = self._expressions[obj["kind"]]
        expressions = {name: text for name, text in check.items() if name not in ("apiVersion", "kind")}
        return Verdict(**self.ask({"object": obj, "expressions": expressions}))
