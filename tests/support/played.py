"""A cluster whose nodes are played, with all of the installation but its pods: the operator runs beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.localcluster import access, install
from tests.localcluster.kwok import Kwok
from tests.localcluster.say import say

SYSTEM = "modelyard-system"


def install_rights(name: str, tracking_url: str, folder: Path, namespaces: Iterable[str]) -> Path:
    """All of the installation but its pods, and these namespaces.

    Returns a kubeconfig of the operator's own ServiceAccount, as in its pod.
    """
    installation = {"trackingURL": tracking_url}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": SYSTEM, "name": "modelyard"},
        "data": {"installation.yaml": json.dumps(installation)},
    }
    installed = [one for one in install.render(name) if one["kind"] in _INSTALLED]
    installed.sort(key=lambda one: one["kind"] != "Namespace")
    apply(name, [*installed, *map(_namespace, namespaces), config_map])
    for one in installed:
        if one["kind"] == "CustomResourceDefinition":
            access.wait(name, f"crd/{one['metadata']['name']}", "condition=Established")
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
    """Start the cluster anew and enter its network; to be called before any thread is started."""
    Kwok(name).down()  # what an interrupted run left there would count
    Kwok(name).up()
    access.enter(name)


def down(name: str) -> None:
    say(f"removing the cluster {name}")
    Kwok(name).down()


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
