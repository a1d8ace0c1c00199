"""``python -m tests.demo [--act ACT]`` installs Modelyard, and shows the loop, or how a commit comes to production."""

from __future__ import annotations

import argparse

from tests.demo.acts import Acts
from tests.demo.source import Delivery
from tests.demo.story import Story
from tests.localcluster import access, install
from tests.support.kube import Kube

NAMESPACE, STAGING = "demo", "demo-staging"
NEXT = """
It stays up. To look around:

  eval "$(make -s cluster-env)"
  kubectl -n demo get modelyard
  kubectl -n demo describe pipeline species
  kubectl -n demo port-forward service/species 8080:80 &
  curl -s localhost:8080/v2/models/species | python3 -m json.tool
  kubectl -n demo patch model species --type=merge -p '{"spec": {"pin": {"version": 1}}}'     # roll back, by hand
  kubectl -n modelyard-system port-forward service/modelyard-tracking 5000:5000               # the experiments
  make cluster-down                                                                           # leave nothing behind
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--name", default="modelyard", help="the cluster [modelyard]")
    parser.add_argument(
        "--act", choices=("loop", "source"), default="loop", help="loop: the three acts; source: from git [loop]"
    )
    options = parser.parse_args()
    install.install(options.name)
    access.enter(options.name)
    if options.act == "source":
        production, staging = empty(options.name, NAMESPACE), empty(options.name, STAGING)
        Delivery(Story(production, staging), production, staging).play()
        print("\n" + production.run("get", "modelyard"))
        return
    kube = empty(options.name, NAMESPACE)
    clients = Acts(Story(kube)).play()
    print("\n" + kube.run("get", "modelyard") + NEXT)
    if clients.failures:
        raise SystemExit(f"requests failed: {clients.failures[:3]}")


def empty(cluster: str, namespace: str) -> Kube:
    """Returns a new namespace of this name; what an earlier demo has left there is deleted."""
    kube = Kube(cluster, namespace)
    kube.run("delete", "namespace", namespace, "--ignore-not-found", "--wait=true", "--timeout=120s")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    return kube


if __name__ == "__main__":
    main()
