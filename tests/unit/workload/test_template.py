"""Checks that pods pass the Pod Security Standard ``restricted`` and have resources that the API server accepts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modelyard.workload import server, template
from modelyard.workload.pod_metadata import pod_metadata
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


OURS = {"modelyard.dev/trainingrun": "forest", "app.kubernetes.io/managed-by": "modelyard"}


def test_labels_and_annotations_of_a_user_are_added_and_ours_win() -> None:
    """The API server refuses reserved keys; an object older than its rule may have one all the same."""
    pod_template = PodTemplate.model_validate(
        {
            "metadata": {
                "labels": {"team": "a", "app.kubernetes.io/managed-by": "me", "modelyard.dev/model": "x"},
                "annotations": {
                    "prometheus.io/scrape": "true",
                    ANNOTATION: "other",
                    "container.apparmor.security.beta.kubernetes.io/main": "unconfined",
                },
            }
        }
    )
    metadata = pod_metadata(pod_template, OURS, {ANNOTATION: "task"})
    assert metadata == {
        "labels": {"team": "a", **OURS},
        "annotations": {"prometheus.io/scrape": "true", ANNOTATION: "task"},
    }
    assert pod_metadata(PodTemplate(), OURS, {}) == {"labels": OURS}


def test_a_service_account_brings_no_token() -> None:
    spec = template.pod(PodTemplate.model_validate({"serviceAccountName": "reader"}), [], containers=[])
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("reader", "reader")
    assert spec["automountServiceAccountToken"] is False


HOST = "kubernetes.io/hostname"
MINE: dict[str, Any] = {"matchLabels": {"team": "a"}}


def _spread(key: str, when: str, skew: int = 1) -> dict[str, Any]:
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": MINE}


def test_affinity_of_a_user_is_added_to_that_of_serving_pods() -> None:
    disk = {"key": "disk", "operator": "In", "values": ["ssd"]}
    nodes = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [disk]}]}}
    near = {"weight": 50, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": MINE}}
    apart = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near]}}
    pod_template = PodTemplate.model_validate({"affinity": {"nodeAffinity": nodes, **apart}})
    affinity = server.pod(pod_template, [], {"app": "x"}, containers=[])["affinity"]
    ours = server.pod(PodTemplate(), [], {"app": "x"}, containers=[])["affinity"]
    (kept,) = ours["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert affinity == {
        "nodeAffinity": nodes,
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near, kept]},
    }


def test_an_empty_selector_stays_since_it_selects_all_pods() -> None:
    term = {"topologyKey": HOST, "labelSelector": {}}
    given = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    spec = template.pod(PodTemplate.model_validate({"affinity": given}), [], containers=[])
    assert spec["affinity"] == given


def test_constraints_of_a_user_replace_the_one_of_the_same_kind() -> None:
    def spread(*given: dict[str, Any]) -> list[dict[str, Any]]:
        pod_template = PodTemplate.model_validate({"topologySpreadConstraints": given})
        constraints = server.pod(pod_template, [], {"app": "x"}, containers=[])["topologySpreadConstraints"]
        return list(constraints)

    (ours,) = spread()
    zone, strict = _spread("zone", "DoNotSchedule"), _spread(HOST, "DoNotSchedule")
    same = _spread(HOST, "ScheduleAnyway", 2)
    assert spread(zone, strict) == [zone, strict, ours]
    assert spread(zone, same) == [zone, same]


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
