"""Prepares the harness's cluster: the CRDs, the operator's own rights and what the simulated Gateway needs."""

from __future__ import annotations

import os
from pathlib import Path

from tests.harness.faults.servers import have_addresses
from tests.localcluster import access
from tests.localcluster.addons.gateway import gateway_class
from tests.support.addons import bring_up
from tests.support.played import apply, install_rights


def prepare(name: str, folder: Path) -> None:
    """Enters the cluster's network and installs; call it before any thread is started."""
    access.enter(name)
    os.environ["KUBECONFIG"] = str(access.kubeconfig(name))
    have_addresses()
    install_rights(name, "http://127.0.0.1:1", folder, ())
    bring_up(name, "gateway-crds")
    apply(name, [gateway_class()])
