"""``make demo`` goes from nothing to a served prediction on a real table, and on to the next version, as you watch."""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.localcluster import access, install
from tests.support.infer import Load, labels, request_of
from tests.support.kube import Kube, condition
from tests.support.mainjob import DEPLOYMENT, GENTOO, MORE_DATA, MainJob

NAMESPACE = "demo"
NEXT = """
It stays up. To look around:

  eval "$(make -s cluster-env)"
  kubectl -n demo get modelyard
  kubectl -n demo describe model species
  kubectl -n demo port-forward service/species 8080:80 &
  curl -s localhost:8080/v2/models/species | python3 -m json.tool
  kubectl -n demo patch model species --type=merge -p '{"spec": {"pin": {"version": 1}}}'     # roll back, by hand
  kubectl -n modelyard-system port-forward service/modelyard-tracking 5000:5000               # the experiments
  make cluster-down                                                                           # leave nothing behind
"""


class Story:
    """Prints each change of an object's Ready condition as it comes."""

    def __init__(self, kube: Kube) -> None:
        self.kube, self.begin = kube, time.monotonic()
        self._printed: dict[str, str] = {}

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begin:6.1f} s  {text}", flush=True)

    def look(self) -> None:
        for obj in self.kube.list("modelyard"):
            ready = condition(obj, "Ready")
            if not ready:
                continue
            name = f"{obj['kind']}/{obj['metadata']['name']}"
            mark = "+" if ready["status"] == "True" else "x" if condition(obj, "Stalled") else "."
            news = f"{mark} {name}: {ready['message']}"
            if self._printed.get(name) != news:
                self._printed[name] = news
                self.say(news)

    def until(self, what: str, probe: Any, seconds: float) -> None:
        def look_and_probe() -> Any:
            self.look()
            return probe()

        self.kube.until(what, look_and_probe, seconds, every=1)


def serves(kube: Kube, version: int) -> bool:
    status = (kube.get("modeldeployment", DEPLOYMENT) or {}).get("status") or {}
    return status.get("stable") == version and not status.get("candidate")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--name", default="modelyard", help="the cluster [modelyard]")
    options = parser.parse_args()
    install.install(options.name)
    access.enter(options.name)
    kube = Kube(options.name, NAMESPACE)
    kube.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=true", "--timeout=120s")
    labels_ = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels_}})

    story, job = Story(kube), MainJob(kube)
    story.say("kubectl apply: penguins of 2007 and 2008, a Dataset, a Model, a TrainingRun, a ModelDeployment")
    job.apply_all()
    story.until("version 1 served", lambda: serves(kube, 1), 300)
    status, answer = job.infer([GENTOO])
    if status != 200:
        raise SystemExit(f"the prediction failed: {status} {answer}")
    story.say(f"POST /v2/models/species/infer -> {labels(answer)[0]} (version {answer['model_version']})")

    host, port = job.address()
    with Load(host, port, f"/v2/models/{DEPLOYMENT}/infer", request_of([GENTOO])) as load:
        latest = kube.get("dataset", "penguins")["status"]["latest"]
        story.say("the penguins of 2009 arrive; clients go on asking")
        job.put_data(MORE_DATA)
        story.until("new data", lambda: kube.get("dataset", "penguins")["status"]["latest"] != latest, 120)
        job.apply("trainingrun-2009.yaml")
        story.until("version 2 served", lambda: serves(kube, 2), 300)
    answered = ", ".join(f"{count} by version {version}" for version, count in sorted(load.answered.items()))
    story.say(f"meanwhile {answered}; {len(load.failures)} requests failed")
    status, answer = job.infer([GENTOO])
    story.say(f"POST /v2/models/species/infer -> {labels(answer)[0]} (version {answer['model_version']})")
    print("\n" + kube.run("get", "modelyard") + NEXT)
    if load.failures:
        raise SystemExit(f"requests failed: {load.failures[:3]}")


if __name__ == "__main__":
    main()
