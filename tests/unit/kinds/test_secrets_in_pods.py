"""Checks that a Secret reaches only the container that needs it, and that no podTemplate brings another one in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel

from modelyard.engine.resource import DATASETS, DEPLOYMENTS, JOBS, Object
from modelyard_api.fields.pods import EnvVar, PodTemplate
from modelyard_api.kinds.registry import KINDS
from tests.kinds.workspace import person
from tests.unit.crds.test_crds import roots, walk
from tests.unit.kinds import pipelines, test_pipelinerun, test_pipelinesource, test_workspace
from tests.unit.kinds.objects import dataset
from tests.unit.kinds.test_pod_templates import WORLDS
from tests.unit.kinds.world import World

MOUNTED = {
    ("Dataset", "ingest", "credentials"): "it asks the source for the table",
    ("PipelineSource", "look", "git"): "it asks the repository for the ref's commit",
    ("PipelineSource", "fetch", "git"): "it fetches the commit",
    ("PipelineSource", "push", "push"): "it pushes the bundle, and runs nothing of the user's",
    ("Workspace", "serve", "people"): "it lets people in by their tokens",
}
"""(kind, what the container does, volume) of all Secrets that are mounted, and why."""
SECRET_FIELDS = {
    ("Dataset", ".spec.source.secretRef.name"),
    ("Dataset", ".spec.source.sql.secretRef.name"),
    ("PipelineSource", ".spec.git.secretRef.name"),
    ("PipelineSource", ".spec.bundle.secretRef.name"),
    ("Workspace", ".spec.people[].secretRef.name"),
}
"""The fields that name a Secret, but for ``podTemplate.imagePullSecrets``, which the kubelet alone reads."""
SOURCES = {"emptyDir", "downwardAPI", "secret", "projected", "configMap", "persistentVolumeClaim", "image"}
NEVER = {
    *("volumes", "volumeMounts", "volumeDevices", "hostPath", "csi", "valueFrom", "envFrom", "secretKeyRef"),
    *("serviceAccount", "automountServiceAccountToken", "serviceAccountToken", "initContainers", "containers"),
    *("ephemeralContainers", "securityContext", "privileged", "capabilities", "procMount", "runtimeClassName"),
    *("hostNetwork", "hostPID", "hostIPC", "hostUsers", "hostPort", "hostAliases", "shareProcessNamespace"),
    *("lifecycle", "nodeName", "resourceClaims", "dnsConfig", "subPath", "subPathExpr", "secretName"),
}
"""Fields of Kubernetes' own pods that no spec of ours has, wherever it would be."""


def _source() -> World:
    world = test_pipelinesource.Repository()
    git = {"url": "https://git.example.com/acme/x", "secretRef": {"name": "git"}}
    bundle = {"repository": "registry.example.com/acme/x", "secretRef": {"name": "push"}}
    world.source(git=git, bundle=bundle, podTemplate={"serviceAccountName": "reader"})
    world.end()
    return world


def _dataset() -> World:
    world = World()
    world.put(DATASETS, dataset(source={"uri": "s3://lake/t.csv", "secretRef": {"name": "lake"}}))
    world.settle()
    return world


def _workspace() -> World:
    world = World()
    test_workspace.put(world, people=[person("kim")], podTemplate={"serviceAccountName": "reader"})
    return world


def _step() -> World:
    """Returns a world in which a container of a Pipeline's step is run."""
    world = pipelines.with_pipeline(steps=[test_pipelinerun.CHECK])
    test_pipelinerun.start(world)
    return world


def _done(kind: str) -> World:
    world: World = import_module(f"tests.unit.kinds.test_{kind.lower()}").done()[0]
    return world


MADE: list[Callable[[], World]] = [
    _source,
    _dataset,
    _workspace,
    _step,
    *(make for _, make in WORLDS),
    *((lambda kind=kind: _done(kind)) for kind in KINDS),
]


@cache
def pods() -> list[tuple[str, Object]]:
    """Returns all pods that all kinds' samples make, with their kind."""
    return list(_pods())


def _pods() -> Iterator[tuple[str, Object]]:
    kinds = {f"modelyard.dev/{kind.lower()}": kind for kind in KINDS}
    for make in MADE:
        world = make()
        world.settle()
        for child in (*world.all(JOBS), *world.all(DEPLOYMENTS)):
            (kind,) = {kinds[owner] for owner in child["metadata"]["labels"] if owner in kinds} & {
                reference["kind"] for reference in child["metadata"]["ownerReferences"]
            }
            yield kind, child["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def secrets_of(volume: Object) -> list[Object]:
    """Returns the parts of a volume that hold a Secret."""
    sources = (volume.get("projected") or {}).get("sources") or ()
    return [part for part in (volume, *sources) if "secret" in part]


def test_all_kinds_with_pods_are_looked_at() -> None:
    made = {kind for kind, _ in pods()}
    assert made == {name for name, kind in KINDS.items() if {"Job", "Deployment"} & set(kind.info.owns)}


def test_a_secret_reaches_only_the_container_that_needs_it() -> None:
    mounted = set()
    for kind, pod in pods():
        secret = {volume["name"] for volume in pod["volumes"] if secrets_of(volume)}
        for container in containers(pod):
            for mount in container["volumeMounts"]:
                if mount["name"] in secret:
                    mounted.add((kind, (container.get("args") or [container["name"]])[0], mount["name"]))
    assert mounted == MOUNTED.keys()


def test_what_a_pod_may_reach_is_known() -> None:
    for kind, pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"} & pod.keys(), kind
        for volume in pod["volumes"]:
            assert volume.keys() - {"name"} <= SOURCES, (kind, volume)
            for source in (volume.get("projected") or {}).get("sources") or ():
                # The only token is for the tracking server, which the Kubernetes API refuses.
                token = source.get("serviceAccountToken")
                assert token is None or token["audience"] == "modelyard", (kind, token)
        for container in containers(pod):
            assert not {"envFrom", "volumeDevices"} & container.keys(), kind
            assert all(item.keys() == {"name", "value"} for item in container["env"]), kind
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}


# --- what a person may write ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_no_spec_has_a_field_that_would_bring_a_secret_or_a_host_in(kind: str) -> None:
    names = {path: path.rsplit(".", 1)[-1].removesuffix("[]") for path, _ in walk(roots()[kind], kind)}
    assert not {path for path, name in names.items() if name in NEVER and path.startswith(f"{kind}.spec")}


def test_the_fields_that_name_secrets_are_known() -> None:
    named = {
        (kind, reference.path)
        for kind, model in KINDS.items()
        for reference in model.info.refers
        if reference.kind == "Secret" and not reference.path.endswith(".imagePullSecrets[]")
    }
    assert named == SECRET_FIELDS
    # Git's is mounted twice, by look and by fetch; a Dataset has one of its two.
    assert len(MOUNTED) == len(SECRET_FIELDS)


def _fields(model: type[BaseModel]) -> set[str]:
    return {str(field.alias or name) for name, field in model.model_fields.items()}


def test_a_pod_template_has_no_other_fields() -> None:
    """The API server refuses what is unknown, or drops it; each field that is added here has to be looked at first."""
    assert _fields(PodTemplate) == {
        *("metadata", "image", "resources", "env", "nodeSelector", "tolerations", "imagePullSecrets"),
        *("priorityClassName", "serviceAccountName", "affinity", "topologySpreadConstraints"),
    }
    assert _fields(EnvVar) == {"name", "value"}


HOSTILE: list[dict[str, Any]] = [
    {"volumes": [{"name": "x", "secret": {"secretName": "others"}}]},
    {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]},
    {"volumes": [{"name": "x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]},
    {"volumeMounts": [{"name": "people", "mountPath": "/people"}]},
    {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "others", "key": "password"}}}]},
    {"envFrom": [{"secretRef": {"name": "others"}}]},
    {"automountServiceAccountToken": True, "serviceAccountName": "modelyard-operator"},
    {"hostNetwork": True, "hostPID": True, "hostIPC": True},
    {"securityContext": {"privileged": True, "runAsUser": 0}},
    {"initContainers": [{"name": "x", "image": "x"}], "containers": [{"name": "x", "image": "x"}]},
]


@pytest.mark.parametrize("template", HOSTILE, ids=lambda template: next(iter(template)))
def test_what_came_past_the_schema_is_not_built(template: dict[str, Any]) -> None:
    """As of an object that was stored under another schema."""
    world = World()
    test_workspace.put(world, people=[person("kim")], podTemplate=template)
    before = World()
    name = {key: value for key, value in template.items() if key == "serviceAccountName"}
    env = [{"name": "A"}] if "env" in template else []
    test_workspace.put(before, people=[person("kim")], podTemplate={**name, "env": env})
    built, expected = (item.one(DEPLOYMENTS)["spec"]["template"]["spec"] for item in (world, before))
    assert built == expected
    assert built["automountServiceAccountToken"] is False
