"""Generates the dashboards: ``python -m manifests.dashboards``; with ``--check`` says whether the files are current."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from manifests.dashboards import loop, model
from modelyard_api.generate.files import difference, run

FOLDER = Path(__file__).parent
BOARDS = {"loop.json": loop.build, "model.json": model.build}


def texts() -> dict[str, str]:
    """Returns file name -> the dashboard as JSON."""
    encode = JSONEncoder(sort_keys=True, indent=2).encode
    return {name: encode(build().build()) + "\n" for name, build in BOARDS.items()}


def write() -> None:
    for name, text in texts().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    sys.exit(run("manifests.dashboards", __doc__, write, lambda: difference(FOLDER, texts()), "dashboards"))
