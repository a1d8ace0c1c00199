"""A cluster with simulated nodes, and with all of the installation but its pods: the operator runs as a process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.common.say import say
from tests.localcluster import access, install, kind, kwok

SYSTEM = "modelyard-system"


def install_rights(name: str, tracking_url: str, folder: Path, namespaces: Iterable[str]) -> Path:
    """Installs everything but the pods, and creates these namespaces.

    Returns a kubeconfig of the operator's own ServiceAccount, with the rights that its pod would have.
    """
    installation = {"trackingURL": tracking_url}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": SYSTEM, "name": "modelyard"},
        "data": {"installation.yaml": json.dumps(installation)},
    }
    installed = [obj for obj in install.render(name) if obj["kind"] in _INSTALLED]
    installed.sort(key=lambda obj: obj["kind"] != "Namespace")
    apply(name, [*installed, *map(_namespace, namespaces), config_map])
    for obj in installed:
        if obj["kind"] == "CustomResourceDefinition":
            access.wait(name, f"crd/{obj['metadata']['name']}", "condition=Established")
    token = access.kubectl(name, "-n", SYSTEM, "create", "token", "modelyard-operator", "--duration=12h").strip()
    config = yaml.safe_load(access.kubeconfig(name).read_text())
    config["users"][0]["user"] = {"token": token}
    path = folder / "operator.kubeconfig"
    path.touch(0o600)
    path.write_text(yaml.safe_dump(config))
    return path


_INSTALLED = {
    *("Namespace", "CustomResourceDefinition", "ServiceAccount"),
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "FlowSchema"),
}


def apply(name: str, documents: Iterable[Any]) -> None:
    access.kubectl(name, "apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(documents))


def up(name: str) -> None:
    """Starts the cluster anew and enters its network; call it before any thread is started."""
    kind.down(name)  # an interrupted run may have left objects there, which would be measured too
    kwok.up(name)
    access.enter(name)


def down(name: str) -> None:
    say(f"removing the cluster {name}")
    kind.down(name)


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
