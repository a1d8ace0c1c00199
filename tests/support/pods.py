"""Builds Jobs and volumes for tests, with pods that pass Pod Security ``restricted``."""

from __future__ import annotations

from typing import Any

RUNTIME = "localhost/modelyard/runtime:dev"


def python_job(namespace: str, name: str, program: str, claim: str) -> dict[str, Any]:
    """Returns a Job that runs a Python program in the runtime image, with a claim mounted at /data."""
    container = {
        "name": "main",
        "image": RUNTIME,
        "command": ["python", "-c", program],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}


def local_volume(name: str, namespace: str, claim: str, folder: str) -> list[dict[str, Any]]:
    """Returns a static volume on the node that keeps local volumes, and the claim that is bound to it."""
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "modelyard-local",
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {"namespace": namespace, "name": claim},
        "local": {"path": f"/var/lib/modelyard/volumes/{folder}"},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "modelyard.dev/local-volumes", "operator": "In", "values": ["true"]}]}
                ]
            }
        },
    }
    claim_spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "modelyard-local",
        "volumeName": name,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": namespace},
            "spec": claim_spec,
        },
    ]
