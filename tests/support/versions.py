"""ModelVersions that no pod has trained: their files lie in the artifact store, with the result that a run would write.

The operator verifies such a version without a Job, by that result. tests/e2e/test_main_job tests how runs create
versions; tests of what happens to versions need no training.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import pandas as pd

from modelyard_api.fields.artifact import RESULT_JSON, folder, http_url, sha256
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Input, Output, Signature
from modelyard_api.wire.result import TrainResult
from modelyard_runtime.models import package
from modelyard_runtime.models.session import OnnxSession
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import Web
from tests.support.identity import operators_token_file
from tests.support.kube import Kube, Object
from tests.support.models import COLUMNS
from tests.support.scene import SYSTEM, TRACKING

_ROWS = [[float(i) for i in range(8)], [float(i % 7) for i in range(8)]]


def _signature(columns: Sequence[str]) -> Signature:
    return Signature(
        inputs=[Input(name=name, datatype="FP32") for name in columns],
        outputs=[Output(name="label", datatype="BYTES", shape=[-1])],
    )


def artifact_store(kube: Kube) -> ArtifactStore:
    """Returns the artifact store of the installation on the cluster, to which this process goes as the operator."""
    address, port = Kube(kube.cluster, SYSTEM).address(TRACKING)
    return ArtifactStore(Web(f"http://{address}:{port}", token=operators_token_file(kube.client)))


class Shelf:
    """Puts versions of one Model into the store and the cluster, and waits until they are Ready."""

    def __init__(self, kube: Kube, model: str) -> None:
        self.kube, self.model = kube, model
        self._store = artifact_store(kube)
        self._run = uuid.uuid4()

    def put(self, *models: bytes, columns: Mapping[int, Sequence[str]] | None = None) -> None:
        """Creates the Model, and these models as its versions 1, 2 and so on.

        ``columns`` has the names of the two inputs of versions that have other ones.
        """
        meta = {"name": self.model, "namespace": self.kube.namespace}
        kind = {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Model", "metadata": meta}
        self.kube.apply(kind | {"spec": {"task": "Classification"}})
        names = columns or {}
        versions = [self._version(n, data, names.get(n, COLUMNS)) for n, data in enumerate(models, 1)]
        self.kube.apply(*versions)
        for version in versions:
            self.kube.until_condition("modelversion", version["metadata"]["name"], seconds=60)

    def replace(self, number: int, data: bytes) -> None:
        """Puts other bytes in the place of the stored model of a version, whose digest stays as it is."""
        version = self.kube.get("modelversion", f"{self.model}-v{number}")
        assert version is not None
        uri = f"{version['spec']['artifact']['uri']}/{package.FILES['ONNX']}"
        status, answer = self._store.web.request("DELETE", http_url(self._store.web.base, uri))
        assert status == 200, answer
        self._store.put(uri, data)

    def _version(self, number: int, data: bytes, columns: Sequence[str]) -> Object:
        signature = _signature(columns)
        rows = pd.DataFrame(dict(zip(columns, _ROWS, strict=True)))
        session = OnnxSession(data, "Tensor", signature)
        shown = package.example(session, rows)
        base = folder(self.kube.namespace, str(self._run), str(number))
        uri, digest, size = package.write(self._store, base, data, Task.CLASSIFICATION, "Tensor", session, shown, {})
        result = TrainResult(
            task=Task.CLASSIFICATION,
            artifact_uri=uri,
            artifact_digest=digest,
            artifact_bytes=size,
            signature=signature,
            objective="accuracy",
            metrics={"accuracy": 0.5},
            source_digest=sha256(b"none"),
            dataset_version="none",
            dataset_digest=sha256(b"none"),
            image="none",
        )
        self._store.put_json(f"{uri}/{RESULT_JSON}", result.wire())
        spec = {
            "modelRef": {"name": self.model},
            "number": number,
            "artifact": {"uri": uri, "digest": digest, "format": "ONNX", "bytes": size},
            "signature": signature.wire(),
            "lineage": {"trainingRun": f"run-{number}"},
            "metrics": result.metrics,
        }
        meta = {"name": f"{self.model}-v{number}", "namespace": self.kube.namespace}
        return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelVersion", "metadata": meta, "spec": spec}
