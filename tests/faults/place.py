"""The cluster that the harness runs on: CRDs and the operator's own rights are installed, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.controllers.place import install_rights
from tests.localcluster import access


def prepare(name: str, folder: Path) -> None:
    """Enter the cluster's network and install; to be called before any thread is started."""
    access.enter(name)
    os.environ["KUBECONFIG"] = str(access.kubeconfig(name))
    install_rights(name, "http://127.0.0.1:1", folder, ())
