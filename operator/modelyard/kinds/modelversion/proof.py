"""The proof of a version, a result that says which bytes were checked and how they scored, and its consequences."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.plan import Facts
from modelyard.kinds.modelversion import children
from modelyard.kinds.modelversion.observe import View
from modelyard.workload.conclude import Fails, Trouble
from modelyard.workload.run.results import read_result
from modelyard_api.kinds.modelversion import ModelVersionStatus
from modelyard_api.wire import result as results

POLL_MISSING = timedelta(minutes=1)
"""Interval of looking for a result that is gone: it may be restored from a backup."""
Proof = results.TrainResult | results.EvaluateResult


def of_run(view: View, facts: Facts, now: datetime) -> Proof:
    """Returns the result that the training run left beside the artifact.

    Raises Missing and Waits, and Fails if the result is gone.
    """
    uri = children.result_uri(view.version)
    result = read_result(facts, uri, now)
    if isinstance(result, Proof):
        return result
    message = (
        f"spec.artifact.uri: there is no result at {uri}; correct it, since only a finished run or an import makes a "
        "version"
    )
    raise Fails(Trouble("ArtifactMissing", message), now + POLL_MISSING)


def verify(view: View, status: ModelVersionStatus, proof: Proof) -> None:
    """Marks a version that matches its proof as verified. Raises Fails if it doesn't match."""
    spec = view.version.spec
    if proof.artifact_digest != spec.artifact.digest:
        message = (
            f"spec.artifact.digest: {spec.artifact.digest} is not the digest of what was checked, "
            f"{proof.artifact_digest}; import the model again with that digest"
        )
        raise Fails(Trouble("DigestMismatch", message))
    if proof.artifact_format != spec.artifact.format:
        message = (
            f"spec.artifact.format: it says {spec.artifact.format}, but the artifact is {proof.artifact_format}; "
            f"import the model again with format: {proof.artifact_format}"
        )
        raise Fails(Trouble("FormatMismatch", message))
    if spec.signature and spec.signature != proof.signature:
        message = "spec.signature: it is not the artifact's own; import the model again without it"
        raise Fails(Trouble("SignatureMismatch", message))
    status.verified = True
    if isinstance(proof, results.TrainResult):
        status.objective, status.baseline = proof.objective, proof.baseline
    # A wide model's signature is long, so status repeats none that the spec already has.
    status.metrics, status.signature = proof.metrics, None if spec.signature else proof.signature
