"""A Workspace on a real cluster: its people, its volume, and its server as a person or a browser sees it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from tests.support.kube import Kube, Object
from tests.support.pods import local_volume, python_job
from tests.support.scene import Scene

NAME, CHILD = "lab", "lab-workspace"
POD = f"modelyard.dev/workspace={NAME}"
TOKENS = {"kim": "token-of-kim", "lee": "token-of-lee"}


class Lab:
    """The Workspace of kim and lee in a test's namespace."""

    def __init__(self, kube: Kube) -> None:
        self.kube, self.scene = kube, Scene(kube)
        self.volumes = (f"{kube.namespace}-folder", f"{kube.namespace}-home")

    def put(self, **spec: Any) -> None:
        people = [{"name": name, "secretRef": {"name": f"of-{name}"}} for name in TOKENS]
        storage = {"size": "1Gi", "className": "modelyard-local"}
        self.scene.put("Workspace", NAME, {"people": people, "storage": storage, **spec})

    def put_token(self, name: str) -> None:
        metadata = {"name": f"of-{name}", "namespace": self.kube.namespace}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": TOKENS[name]}}
        self.kube.apply(secret)

    def put_volume(self) -> None:
        """Makes a volume, whose folder is this test's own, for the claim of the Workspace."""
        folder, home = self.volumes
        self.kube.apply(*local_volume(folder, self.kube.namespace, "folder", "data"))
        name = self.kube.namespace
        self.kube.apply(python_job(name, "folder", f"import os; os.makedirs('/data/{name}', exist_ok=True)", "folder"))
        self.kube.until(
            "the folder", lambda: ((self.kube.get("job", "folder") or {}).get("status") or {}).get("succeeded")
        )
        volume, _ = local_volume(home, name, CHILD, f"data/{name}")
        self.kube.apply(volume)

    def remove_volumes(self) -> None:
        for name in self.volumes:
            self.kube.run("delete", "pv", name, "--ignore-not-found", "--wait=false")

    def until_ready(self, seconds: float = 300) -> Object:
        return self.kube.until_condition("workspace", NAME, "Ready", "True", "Running", seconds)

    def look_now(self) -> bool:
        """Makes the kubelet bring changed Secrets, and the operator ask the pod, which both do by themselves each
        minute or so. Returns True."""
        word = f"example.com/look={time.monotonic_ns()}"
        self.kube.run("annotate", "pod", f"--selector={POD}", "--overwrite", word)
        self.kube.run("annotate", "workspace", NAME, "--overwrite", word)
        return True

    def pod(self) -> Object | None:
        """Returns the pod that runs, and is not being stopped."""
        pods = [pod for pod in self.kube.list("pods", POD) if "deletionTimestamp" not in pod["metadata"]]
        return pods[-1] if pods and pods[-1]["status"].get("phase") == "Running" else None

    def url(self) -> str:
        service = self.kube.get("service", CHILD)
        assert service is not None
        return f"http://{service['spec']['clusterIP']}"

    def ask(self, method: str, path: str, token: str, document: Any = None) -> tuple[int, Any]:
        """Returns status and JSON of the server's answer."""
        body = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"token {token}"} if token else {}
        request = urllib.request.Request(f"{self.url()}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, None
        except OSError:  # the pod is not there at the moment
            return 0, None

    def run(self, program: str) -> str:
        """Returns what a Python program prints in the pod."""
        return self.kube.run("exec", f"deploy/{CHILD}", "-c", "workspace", "--", "python", "-c", program)
