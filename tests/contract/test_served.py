"""Checks how the API server serves the kinds: schemas, defaults, subresources, unknown fields, kubectl's views."""

from __future__ import annotations

import re
from typing import Any

import pytest

from modelyard_api.generate import crd
from modelyard_api.kinds.pipeline import STEP_KINDS
from modelyard_api.kinds.registry import KINDS
from tests.contract.api import Api
from tests.kinds import SAMPLES
from tests.localcluster import access
from tests.support.kube import Kube

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("kind", KINDS)
def test_crds_are_established_and_structural(crds: str, kind: str) -> None:
    name = f"{KINDS[kind].info.plural}.modelyard.dev"
    text = access.kubectl(
        crds, "get", "crd", name, "--output=jsonpath={range .status.conditions[*]}{.type}={.status} {end}"
    )
    conditions = dict(part.split("=") for part in text.split())
    assert conditions.pop("NonStructuralSchema", "False") == "False"
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_defaults_of_a_training_run(api: Api) -> None:
    spec = api.create(SAMPLES["TrainingRun"].make({"suspend": None})).document["spec"]
    assert spec["suspend"] is False
    assert spec["backoffLimit"] == 3
    assert spec["seed"] == 0
    assert spec["trainer"]["estimator"]["features"] == {
        "numeric": {"impute": "Median", "scale": "Auto"},
        "categorical": {"encode": "OneHot"},
        "exclude": [],
    }
    assert spec["podTemplate"]["tolerations"] == []
    assert {"modelRef", "objective", "activeDeadlineSeconds"}.isdisjoint(spec)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_those_of_the_operator(api: Api, kind: str) -> None:
    """The API server and pydantic fill in the same defaults: neither has one that the other lacks."""
    sample = SAMPLES[kind].make()
    served = api.create(sample).document["spec"]
    spec = KINDS[kind].model_fields["spec"].annotation
    assert served == _filled(spec.model_validate(sample["spec"]).wire())
    assert spec.model_validate(served).wire() == served


def _filled(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns a spec with the defaults of the specs in its steps, which the operator keeps as they are written."""
    for step in spec.get("steps", ()):
        for name, mark in STEP_KINDS.items():
            if name in step:
                step[name] = mark.spec.model_validate(step[name]).model_dump(
                    mode="json", by_alias=True, exclude_none=True
                )
    return spec


@pytest.mark.parametrize("kind", KINDS)
def test_status_is_a_subresource_with_one_default(api: Api, kind: str) -> None:
    answer = api.create(SAMPLES[kind].make() | {"status": {"observedGeneration": 7}})
    assert answer.code == 201, answer.message
    assert answer.document["status"] == {"observedGeneration": -1}


def test_parameters_are_kept_as_they_are(api: Api) -> None:
    params = {"max_depth": None, "estimator": {"C": 1.0, "deep": [1, None, {"a": True}]}, "n_estimators": 3}
    change = {"trainer": {"estimator": {"params": {"n_estimators": 3}}}}
    obj = SAMPLES["TrainingRun"].make(change)
    obj["spec"]["trainer"]["estimator"]["params"] = params
    answer = api.create(obj)
    assert answer.code == 201, answer.message
    assert answer.document["spec"]["trainer"]["estimator"]["params"] == params


def test_whole_quantities_need_no_quotes(api: Api) -> None:
    for good in (1, "1", "500m", "1.5"):
        change = {"podTemplate": {"resources": {"requests": {"cpu": good}}}}
        answer = api.create(SAMPLES["ModelDeployment"].make(change))
        assert answer.code == 201, (good, answer.message)
    for bad in ("one", "1 Gi", 1.5, True, -1):
        change = {"podTemplate": {"resources": {"requests": {"cpu": bad}}}}
        answer = api.create(SAMPLES["ModelDeployment"].make(change))
        assert answer.code == 422, (bad, answer.document)


def test_the_share_of_logged_requests_is_one(api: Api) -> None:
    for good in (0, 0.01, 1):
        answer = api.create(SAMPLES["ModelDeployment"].make({"logging": {"sampleRate": good}}))
        assert answer.code == 201, (good, answer.message)
    for bad in (1.5, -0.1, "0.5"):
        answer = api.create(SAMPLES["ModelDeployment"].make({"logging": {"sampleRate": bad}}))
        assert answer.code == 422, (bad, answer.document)
        assert "spec.logging.sampleRate" in answer.message


def test_scale(stored: Api) -> None:
    obj = SAMPLES["ModelDeployment"].make()
    status = {"replicas": 2, "selector": "modelyard.dev/modeldeployment=one"}
    stored.store(obj, status)
    try:
        scale = stored.send("GET", stored.path("ModelDeployment", "one/scale"))
        assert scale.document["spec"] == {"replicas": 1}
        assert scale.document["status"] == status
        answer = stored.patch("ModelDeployment", "one", {"spec": {"replicas": 3}}, "", "scale")
        assert answer.code == 200, answer.message
        deployment = stored.send("GET", stored.path("ModelDeployment", "one")).document
        assert deployment["spec"]["replicas"] == 3
    finally:
        stored.release("ModelDeployment", "one")


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields(api: Api, kind: str) -> None:
    obj = SAMPLES[kind].make({"modle": "typing error"})
    strict = api.create(obj)
    assert strict.code == 400, strict.document
    assert 'unknown field "spec.modle"' in strict.message
    warned = api.create(obj, "dryRun=All&fieldValidation=Warn")
    assert warned.code == 201, warned.message
    assert any("spec.modle" in warning for warning in warned.warnings)
    assert "modle" not in warned.document["spec"]


def test_lists_by_name_hold_each_name_once(api: Api) -> None:
    columns = {"columns": [{"name": "x", "type": "Float"}, {"name": "x", "type": "Category"}]}
    answer = api.create(SAMPLES["Dataset"].make(columns))
    assert answer.code == 422, answer.document
    assert "Duplicate value" in answer.message


@pytest.mark.parametrize("kind", KINDS)
def test_explain_has_a_sentence_for_every_field(crds: str, kind: str) -> None:
    plural = KINDS[kind].info.plural
    for part in ("spec", "status"):
        path = f"{plural}.{part}"
        text = access.kubectl(crds, "explain", path, "--api-version=modelyard.dev/v1alpha1")
        fields = re.split(r"\n  (?=\w+\t<)", text.split("FIELDS:", 1)[1])[1:]
        schema = crd.definition(kind, KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        assert sorted(field.split("\t")[0] for field in fields) == sorted(schema["properties"][part]["properties"])
        for field in fields:
            sentence = " ".join(field.split())
            assert re.search(r"[.)]$", sentence), f"{path}: {sentence}"
            assert "<no description>" not in sentence


def test_one_category_lists_all_kinds(kube: Kube, stored: Api) -> None:
    for kind in KINDS:
        answer = stored.create(SAMPLES[kind].make(), "")
        assert answer.code == 201, answer.message
    lines = kube.run("get", "modelyard", "--output=name").split()
    assert {line.split(".")[0] for line in lines} >= {kind.lower() for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_short_names_and_columns(kube: Kube, stored: Api, kind: str) -> None:
    assert stored.create(SAMPLES[kind].make(), "").code == 201
    info = KINDS[kind].info
    header, row = kube.run("get", info.short).splitlines()[:2]
    shown = [column.name.upper() for column in info.columns if column.priority == 0]
    assert header.split() == ["NAME", *shown]
    assert row.split()[0] == SAMPLES[kind].make()["metadata"]["name"]


@pytest.mark.parametrize(
    "template", [{"env": [{"name": "A"}, {"name": "A", "value": "1"}]}, {"imagePullSecrets": ["a", "a"]}]
)
def test_what_a_pod_has_by_name_is_there_once(api: Api, template: dict[str, object]) -> None:
    answer = api.create(SAMPLES["ModelDeployment"].make({"podTemplate": template}))
    assert answer.code == 422, answer.document
    assert f"spec.podTemplate.{next(iter(template))}[1]" in answer.message
    assert "Duplicate value" in answer.message
