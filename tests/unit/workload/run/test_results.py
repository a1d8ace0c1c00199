"""Checks that a result is taken only if specs and statuses can hold it: otherwise every pass would raise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard.engine.plan import Unreadable
from modelyard.workload.run import failures
from modelyard.workload.run.results import parse
from modelyard_api.wire.result import Failed
from tests.harness.fuzz.schema import nested
from tests.kinds import SAMPLES
from tests.kinds.sample import Pod

URI = "mlflow-artifacts:/x/result.json"
PODS = {kind: sample.pod for kind, sample in SAMPLES.items() if sample.pod}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_good_ones(pod: Pod) -> None:
    assert isinstance(parse(pod.document, URI), pod.result)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("Dataset", "versionId", "NOT-HEX"),  # the version's name contains it
        ("Dataset", "digest", "sha256:short"),
        ("Dataset", "uri", "s3://elsewhere/x"),
        ("Dataset", "rows", "9" * 30),  # no JSON library writes such an integer
        ("Dataset", "rows", -1),
        ("Dataset", "target", ""),
        ("Dataset", "columns", [{"name": "x", "type": "Float", "missing": "9" * 30}]),
        ("Dataset", "columns", [{"name": "x", "type": "Float", "min": "-inf"}]),
        ("TrainingRun", "artifactURI", "s3://elsewhere/x"),
        ("TrainingRun", "artifactDigest", "md5:1"),
        ("TrainingRun", "artifactBytes", 2**63),
        ("TrainingRun", "sourceDigest", "x" * 72),
        ("TrainingRun", "objective", "x" * 65),
        ("TrainingRun", "metrics", {"r2": "nan"}),
        ("TrainingRun", "metrics", {"r2": "inf"}),
        ("TrainingRun", "metrics", {f"m{i}": 0 for i in range(33)}),
        ("TrainingRun", "parameters", {"deep": nested(300)}),
        ("TrainingRun", "parameters", {"long": "x" * 70_000}),
        ("TrainingRun", "trackingRunId", "x" * 3000),
        ("TrainingRun", "signature", {"inputs": [], "outputs": [{"name": "x", "datatype": "FP32", "shape": [2**70]}]}),
        ("ModelVersion", "artifactDigest", ""),
        ("ModelVersion", "metrics", {"x" * 65: 0.5}),
    ],
)
def test_what_no_object_could_hold(kind: str, field: str, value: Any) -> None:
    result = parse(PODS[kind].document | {field: value}, URI)
    assert isinstance(result, Failed)
    assert result.error.reason == "ResultUnreadable"
    assert f"{field}" in result.error.message


@pytest.mark.parametrize("reason", ["", "two words", "x" * 200, "lower", "Ünreadable"])
def test_a_reason_is_a_word(reason: str) -> None:
    """The API server refuses a condition whose reason isn't a CamelCase word."""
    result = parse({"kind": "Failed", "error": {"reason": reason, "message": "m"}}, URI)
    assert isinstance(result, Failed)
    assert result.error.reason == "ResultUnreadable"


@pytest.mark.parametrize(
    "message", ["[" * 5000, '{"kind": "Failed", "error": {"reason": "R", "message": "\\ud800"}}', "NaN", ""]
)
def test_hostile_termination_messages(message: str) -> None:
    state = {"terminated": {"exitCode": 1, "message": message, "reason": "Error"}}
    pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "main", "state": state}]}}
    trouble = failures.ended([pod])
    assert trouble is not None
    assert trouble.reason == "PodFailed"
    json.dumps(trouble.message).encode()


@pytest.mark.parametrize("document", [{"a\nb" * 500: 1}, [], "x", 3, {"kind": "Train", "a" * 5000: 1}, {"kind": []}])
def test_its_words_fit_into_a_condition(document: Any) -> None:
    result = parse(document, URI)
    assert isinstance(result, Failed)
    assert result.error.message.isprintable()
    assert len(result.error.message) < 1000


def test_what_is_no_document_has_failed() -> None:
    result = parse(Unreadable(f"{URI}: unexpected character"), URI)
    assert isinstance(result, Failed)
    assert result.error.reason == "ResultUnreadable"
    assert URI in result.error.message
    assert "use an image of the same release" in result.error.message
