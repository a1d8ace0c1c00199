"""The steps of the main job that the demo shows and the end-to-end tests check, with the unchanged examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.infer import post, request_of
from tests.support.kube import Kube, Object

EXAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "examples" / "penguins"
FIRST_DATA, MORE_DATA = "penguins-2008.csv", "penguins-2009.csv"
DATASET, MODEL, DEPLOYMENT = "penguins", "species", "species"
FIRST_RUN, SECOND_RUN = "species-2008", "species-2009"
GENTOO = {
    "island": "Biscoe",
    "bill_length_mm": 47.5,
    "bill_depth_mm": 14.2,
    "flipper_length_mm": 216.0,
    "body_mass_g": 5100.0,
    "sex": "",
}


class MainJob:
    """Steps in one namespace; each applies what a person would apply, or waits for what a person would wait for."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube

    def put_data(self, file: str = FIRST_DATA) -> None:
        """Applies the table as a ConfigMap; another file replaces its rows."""
        data = (EXAMPLES / file).read_text()
        metadata = {"name": "penguins", "namespace": self.kube.namespace}
        self.kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"penguins.csv": data}})

    def apply(self, file: str) -> None:
        self.kube.run("apply", "--server-side", "-f", str(EXAMPLES / file))

    def apply_all(self) -> None:
        self.put_data()
        for file in ("dataset.yaml", "model.yaml", "trainingrun-2008.yaml", "modeldeployment.yaml"):
            self.apply(file)

    def wait_served(self, version: int, seconds: float = 240) -> Object:
        """Waits until the deployment serves that version and has no candidate, and returns the deployment."""

        def probe() -> Object | None:
            obj = self.kube.get("modeldeployment", DEPLOYMENT)
            serves = obj and (obj.get("status") or {}).get("stable") == version and not obj["status"].get("candidate")
            return obj if serves else None

        return dict(self.kube.until(f"version {version} of {MODEL} served", probe, seconds))

    def address(self) -> tuple[str, int]:
        """Returns the cluster IP and port of the Service, once it accepts connections."""
        return self.kube.address(DEPLOYMENT)

    def infer(self, rows: list[dict[str, Any]]) -> tuple[int, Any]:
        """Sends the rows to the Service, and returns the answer's status and body."""
        return post(*self.address(), f"/v2/models/{DEPLOYMENT}/infer", request_of(rows))


def masked(kube: Kube) -> str:
    """Returns the end state of a namespace as text, without what differs from run to run: hashed names, uids, times."""
    lines = []
    for obj in kube.list("modelyard"):
        status = obj.get("status") or {}
        conditions = sorted((c["type"], c["status"], c["reason"]) for c in status.get("conditions", ()))
        kept = {
            key: status.get(key)
            for key in (
                "phase",
                "champion",
                "aliases",
                "versions",
                "lastNumber",
                "stable",
                "accepted",
                "approved",
                "score",
            )
            if status.get(key) is not None
        }
        promotions = [(p["version"], p.get("previous"), p["by"], p["evidence"]) for p in status.get("promotions", ())]
        digests = [obj["spec"].get("digest"), (obj["spec"].get("artifact") or {}).get("digest")]
        name = obj["metadata"]["name"]
        lines.append(json.dumps([obj["kind"], name, kept, promotions, digests, conditions], sort_keys=True))
    jobs = sorted(job["metadata"]["labels"]["app.kubernetes.io/name"] for job in kube.list("jobs"))
    return "\n".join([*sorted(lines), f"jobs: {jobs}"])
