"""Chooses the format of a fitted pipeline: ONNX if proven to give the same answers, else skops, proven too."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn.pipeline import Pipeline

from modelyard_api.fields.artifact import Format
from modelyard_api.fields.metrics import Task
from modelyard_models.skops_types import NotAllowed
from modelyard_runtime.export.onnx_export import NotAsOnnx, to_onnx
from modelyard_runtime.models import agreement
from modelyard_runtime.models.agreement import Agreement, Disagrees
from modelyard_runtime.models.positions import positional
from modelyard_runtime.models.session import OnnxSession, Session, SkopsSession
from modelyard_runtime.models.signature import layout_of, signature_of
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.frames import Table

MAX_REASON = 1000


@dataclass(frozen=True)
class Exported:
    data: bytes
    format: Format
    layout: str
    session: Session
    agreed: Agreement
    reason: str | None = None
    """``reason`` says why the format is not ONNX."""


def export(pipeline: Pipeline, training: Table, test: Table, task: Task, seed: int) -> Exported:
    """Exports a fitted pipeline as ONNX, else as skops. Raises UserError if neither can be served."""
    signature, layout = signature_of(pipeline, training, task), layout_of(training)
    proof, plain = agreement.Proof(pipeline, test, seed), positional(pipeline, training)
    try:
        data = to_onnx(plain, training, task, signature)
        try:
            session = OnnxSession(data, layout, signature, training.intake)
            return Exported(data, "ONNX", layout, session, proof.check(session))
        except UserError as error:  # onnxruntime refuses the graph, or can't run it
            raise NotAsOnnx(error.message) from error
        except Disagrees as error:
            raise NotAsOnnx(f"the ONNX form does not answer as scikit-learn: {error}") from error
    except NotAsOnnx as refusal:
        reason = str(refusal)[:MAX_REASON]
        say(f"{reason}; storing it as skops")
    from modelyard_runtime.export.skops_export import to_skops

    field = "spec.trainer.estimator.algorithm"
    try:
        data = to_skops(plain)
        skops = SkopsSession(data, signature, training.intake)
        return Exported(data, "Skops", layout, skops, proof.check(skops), reason)
    except NotAllowed as error:
        message = f"{reason}; nor can it be served as skops: {error}. Choose another algorithm"
        raise UserError("TypeNotAllowed", message, field) from error
    except Disagrees as error:
        message = f"{reason}; nor does its skops form answer as scikit-learn: {error}. Choose another algorithm"
        raise UserError("ConversionDisagrees", message, field) from error
