"""Generates ``manifests/gitops/flux-health.yaml``, by which Flux judges every kind.

Run by ``make crds``; ``python -m modelyard_api.generate.gitops --check`` says if it is current.
"""

from __future__ import annotations

import sys

import yaml

from modelyard_api import API_VERSION
from modelyard_api.generate.crd import FOLDER as CRDS
from modelyard_api.generate.files import HEADER, difference, run
from modelyard_api.kinds.registry import KINDS

FOLDER = CRDS.parent / "manifests/gitops"
FILE = "flux-health.yaml"
_ABOUT = """# How Flux judges the objects of every kind of Modelyard: part of a Kustomization's spec.
# A suspended object is as it should be, and nobody waits for it.
"""


def _holds(*types: str) -> str:
    """Returns a CEL expression that says whether one of the conditions is True. An absent field would be an error."""
    now = "c.status == 'True' && c.observedGeneration == metadata.generation"
    return f"has(status.conditions) && status.conditions.exists(c, c.type in {list(types)} && {now})"


def texts() -> dict[str, str]:
    """Returns file name -> content."""
    expressions = {"failed": _holds("Stalled"), "current": _holds("Ready", "Suspended")}
    checks = [{"apiVersion": API_VERSION, "kind": name, **expressions} for name in KINDS]
    return {FILE: HEADER + _ABOUT + yaml.safe_dump({"healthCheckExprs": checks}, sort_keys=False, width=200)}


def write() -> None:
    for name, text in texts().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    sys.exit(run("modelyard_api.generate.gitops", __doc__, write, lambda: difference(FOLDER, texts())))
