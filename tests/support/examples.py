"""The example manifests, as the API server gets them: those of a repository with its placeholders filled in."""

from __future__ import annotations

from pathlib import Path

from tests.common.paths import REPO

FOLDER = REPO / "manifests" / "examples"
FILES = tuple(sorted(FOLDER.rglob("*.yaml")))
_DIGEST = "sha256:" + "0" * 64
_VALUES = {
    "bundle.image": f"registry.example.com/acme/species@{_DIGEST}",
    "bundle.digest": _DIGEST,
    "commit": "c" * 40,
    "commit.short": "c" * 12,
}
"""Placeholder -> a value that a PipelineSource might put there."""


def text(path: Path) -> str:
    """Returns the YAML of one example."""
    result = path.read_text()
    for name, value in _VALUES.items():
        result = result.replace(f"$({name})", value)
    return result
