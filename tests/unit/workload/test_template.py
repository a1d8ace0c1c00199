"""Checks that pods pass the Pod Security Standard ``restricted`` and have resources that the API server accepts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modelyard.workload import template
from modelyard_api.fields.pods import PodTemplate, Resources
from modelyard_api.wire.task import ANNOTATION, TASK_FILE, WORK_FOLDER

DEFAULT = Resources(requests={"cpu": "100m", "memory": "512Mi"}, limits={"memory": "2Gi"})


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("500m", "0.5"), ("0.1", "0.1"), ("2k", 2000), ("3M", 3_000_000), ("1G", 10**9), ("2T", 2 * 10**12),
     ("1Ki", 1024), ("1.5Mi", 1572864), ("2Gi", 2**31), ("1Ti", 2**40)],
)  # fmt: skip
def test_quantities(text: str, value: int | str) -> None:
    assert template.quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    ("requests", "limits", "expected"),
    [
        ({}, {}, ({"cpu": "100m", "memory": "512Mi"}, {"memory": "2Gi"})),
        ({"cpu": "4"}, {}, ({"cpu": "4", "memory": "512Mi"}, {"memory": "2Gi"})),
        # A request above the default limit raises the limit; one below leaves it.
        ({"memory": "4Gi"}, {}, ({"cpu": "100m", "memory": "4Gi"}, {"memory": "4Gi"})),
        ({"memory": "1Gi"}, {}, ({"cpu": "100m", "memory": "1Gi"}, {"memory": "2Gi"})),
        # A limit without a request sets the request too, even below the default request.
        ({}, {"memory": "128Mi"}, ({"cpu": "100m", "memory": "128Mi"}, {"memory": "128Mi"})),
        ({}, {"cpu": "50m"}, ({"cpu": "50m", "memory": "512Mi"}, {"cpu": "50m", "memory": "2Gi"})),
        (
            {"memory": "1Gi"},
            {"memory": "8Gi", "cpu": "2"},
            ({"cpu": "2", "memory": "1Gi"}, {"cpu": "2", "memory": "8Gi"}),
        ),
        # An extended resource can't be overcommitted: its request is its limit.
        (
            {"nvidia.com/gpu": "1"},
            {},
            ({"cpu": "100m", "memory": "512Mi", "nvidia.com/gpu": "1"}, {"memory": "2Gi", "nvidia.com/gpu": "1"}),
        ),
    ],
)
def test_resources(
    requests: dict[str, str], limits: dict[str, str], expected: tuple[dict[str, str], dict[str, str]]
) -> None:
    resources = template.resources(Resources(requests=requests, limits=limits), DEFAULT)
    assert (resources["requests"], resources["limits"]) == expected
    for name, limit in resources["limits"].items():
        assert template.quantity(resources["requests"].get(name, "0")) <= template.quantity(limit)


def test_resources_that_nobody_wrote_are_the_default() -> None:
    assert template.resources(None, DEFAULT) == {"requests": DEFAULT.requests, "limits": DEFAULT.limits}


def test_what_the_pod_template_says_is_in_the_pod() -> None:
    pod_template = PodTemplate.model_validate(
        {
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "imagePullSecrets": ["registry"],
            "priorityClassName": "high",
        }
    )
    spec = template.pod(pod_template, [], containers=[])
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["priorityClassName"] == "high"
    plain = template.pod(PodTemplate(), [], containers=[])
    assert not {"nodeSelector", "tolerations", "imagePullSecrets", "priorityClassName"} & set(plain)


def test_a_user_s_variables_come_last_so_that_they_win() -> None:
    pod_template = PodTemplate.model_validate({"env": [{"name": "HOME", "value": "/elsewhere"}]})
    env = template.container("main", "i", pod_template, DEFAULT, [])["env"]
    assert {item["name"]: item["value"] for item in env}["HOME"] == "/elsewhere"


def test_the_task_is_a_file_made_of_the_pod_s_annotation() -> None:
    (item,) = template.task_volume()["downwardAPI"]["items"]
    assert item["fieldRef"]["fieldPath"] == f"metadata.annotations['{ANNOTATION}']"
    assert f"{template.TASK_MOUNT['mountPath']}/{item['path']}" == TASK_FILE


def test_a_variable_is_there_once() -> None:
    """An object older than the rule may name a variable twice: each apply of such a pod would be answered with 500."""
    given = [{"name": "A", "value": "1"}, {"name": "HOME", "value": "/else"}, {"name": "A", "value": "2"}]
    container = template.container("main", "i:1", PodTemplate.model_validate({"env": given}), DEFAULT, [])
    names = [item["name"] for item in container["env"]]
    assert len(names) == len(set(names))
    assert {item["name"]: item["value"] for item in container["env"]} == {
        "TMPDIR": WORK_FOLDER,
        "HOME": "/else",
        "A": "2",
    }
