"""Checks what a pod's annotations grant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard_api.fields.artifact import SCHEME, folder, is_path
from modelyard_api.wire import task as tasks
from modelyard_api.wire.identity import READS
from modelyard_api.wire.rights import TASK, Rights, rights_of
from modelyard_api.wire.task import Common, Subject

UID = "0000-11"
OWN = "modelyard/team/0000-11"
SUBJECT = {"namespace": "team", "name": "run", "uid": UID}
BASE: dict[str, Any] = {
    "kind": "Train",
    "subject": SUBJECT,
    "baseURI": f"{SCHEME}{OWN}",
    "resultURI": f"{SCHEME}{OWN}/result.json",
}


def rights(task: Any = None, reads: str | None = None, namespace: str = "team") -> Rights:
    annotations = {} if reads is None else {READS: reads}
    if task is not None:
        annotations[TASK] = task if isinstance(task, str) else json.dumps(task)
    return rights_of(namespace, annotations)


def test_the_annotation_is_the_one_that_the_operator_writes() -> None:
    assert TASK == tasks.ANNOTATION


def test_a_task_writes_in_its_folder_and_replaces_its_result_alone() -> None:
    own = rights(BASE)
    assert [own.may_write(f"{OWN}{rest}") for rest in ("", "/a", "/a/b", "/result.json", "9/a")] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert own.may_replace(f"{OWN}/result.json")
    assert not own.may_replace(f"{OWN}/a")
    assert own.may_read(OWN)
    assert own.may_read(f"{OWN}/a/b")
    assert not own.may_read("modelyard/team")
    assert not own.may_read(f"{OWN}9")


@pytest.mark.parametrize(
    ("added", "path"),
    [
        ({"data": {"uri": "@d1"}}, "d1"),
        ({"trainedOn": {"uri": "@d2"}}, "d2"),
        ({"previous": {"uri": "@d3"}}, "d3"),
        ({"artifactURI": "@m1"}, "m1"),
        ({"challenger": {"artifactURI": "@m2"}}, "m2"),
        ({"tables": [{"uri": "@t1"}, {"uri": "@t2"}]}, "t2"),
        ({"inputs": [{"uri": "@i1"}, {"uri": "@i2"}]}, "i2"),
    ],
)
def test_a_task_reads_what_it_names(added: dict[str, Any], path: str) -> None:
    own = rights(json.dumps(BASE | added).replace("@", f"{SCHEME}modelyard/team/"))
    assert own.may_read(f"modelyard/team/{path}")
    assert own.may_read(f"modelyard/team/{path}/train.parquet")
    assert not own.may_read(f"modelyard/team/{path}9")
    assert not own.may_write(f"modelyard/team/{path}/train.parquet")


@pytest.mark.parametrize("field", ["trainer", "spec", "parameters", "output", "spent", "source", "keep"])
def test_what_users_write_into_a_task_grants_nothing(field: str) -> None:
    secret = f"{SCHEME}modelyard/team/secret"
    document = BASE | {field: {"uri": secret, "artifactURI": secret, "data": {"uri": secret}}}
    assert rights(document) == rights(BASE)


@pytest.mark.parametrize(
    "uri",
    [
        f"{SCHEME}modelyard/other/x",
        f"{SCHEME}modelyard/team",
        f"{SCHEME}modelyard/team/",
        f"{SCHEME}modelyard/team/../other/x",
        f"{SCHEME}modelyard/team/./x",
        f"{SCHEME}modelyard/team//x",
        f"{SCHEME}modelyard/team/%2e%2e/x",
        f"{SCHEME}modelyard/team/a b",
        f"{SCHEME}/modelyard/team/x",
        f"{SCHEME}modelyard/teams/x",
        "s3://bucket/modelyard/team/x",
        "modelyard/team/x",
        "",
        7,
        None,
        ["x"],
    ],
)
def test_addresses_that_grant_nothing(uri: Any) -> None:
    wrong = rights(BASE | {"baseURI": uri, "resultURI": uri, "data": {"uri": uri}, "artifactURI": uri})
    assert (wrong.writes, wrong.result, wrong.reads) == (None, None, ())


@pytest.mark.parametrize(
    "task",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        "[" * 100_000,
        BASE | {"subject": None},
        BASE | {"subject": SUBJECT | {"namespace": "other"}},
        BASE | {"subject": SUBJECT | {"uid": "a' or 1"}},
        BASE | {"subject": SUBJECT | {"uid": ["x"]}},
        {key: value for key, value in BASE.items() if key != "subject"},
    ],
)
def test_a_malformed_task_grants_nothing(task: Any) -> None:
    assert rights(task) == Rights()


def test_a_pod_of_another_namespace_gets_nothing_from_a_copied_task() -> None:
    assert rights(BASE, f"{SCHEME}{OWN}", namespace="other") == Rights()


def test_a_pod_that_serves_reads_what_it_names() -> None:
    uris = f"{SCHEME}modelyard/team/u/m {SCHEME}modelyard/other/u/m"
    assert rights(reads=uris) == Rights(reads=("modelyard/team/u/m",))
    assert rights(reads=f"{SCHEME}modelyard/team").may_read("modelyard/team/u/m/model.onnx")
    assert rights(reads=f"{SCHEME}modelyard").reads == ()


@pytest.mark.parametrize(
    ("task", "experiment"),
    [
        (BASE, "run"),
        (BASE | {"model": "species"}, "species"),
        (BASE | {"model": "a/../../b"}, None),
        (BASE | {"model": 7}, None),
        (BASE | {"kind": "Sweep"}, "run"),
        (BASE | {"kind": "Sweep", "spec": {"modelRef": {"name": "species"}}}, "species"),
        (BASE | {"kind": "Train", "spec": {"modelRef": {"name": "species"}}}, "run"),
        (BASE | {"kind": "Ingest"}, None),
        (BASE | {"kind": ["Train"]}, None),
    ],
)
def test_the_experiment_of_a_task(task: dict[str, Any], experiment: str | None) -> None:
    own = rights(task)
    assert own.experiment == (experiment and f"modelyard/team/{experiment}")
    assert own.uid == (UID if experiment else None)


@pytest.mark.parametrize(
    ("uid", "own"),
    [(UID, True), (f"{UID}-3", True), (f"{UID}-x", False), (f"{UID}1", False), ("", False), (None, False)],
)
def test_the_runs_of_a_task(uid: str | None, own: bool) -> None:
    assert rights(BASE).is_own(uid) is own
    assert not Rights().is_own(uid)


@pytest.mark.parametrize("path", ["a", "a/b-c_d.e/0", "..a", "a.."])
def test_paths(path: str) -> None:
    assert is_path(path)


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".", "a/..", "a/./b", "a%20b", "a\\b", "ä", "a\n", "a" * 256])
def test_no_paths(path: str) -> None:
    assert not is_path(path)


def test_the_names_are_those_that_tasks_have() -> None:
    fields = {"subject": Subject(**SUBJECT), "tracking_url": "http://x"}
    common = Common(**fields, base_uri=folder("team", UID), result_uri=folder("team", UID, "result.json"))
    own = rights(common.model_dump_json(by_alias=True, exclude_none=True))
    assert (own.writes, own.result) == (OWN, f"{OWN}/result.json")
    named = {
        tasks.TrainTask: ("data",),
        tasks.EvaluateTask: ("data", "trained_on", "artifact_uri", "challenger"),
        tasks.PredictTask: ("data", "artifact_uri"),
        tasks.BringTask: ("tables",),
        tasks.IngestTask: ("inputs",),
    }
    aliases = {cls.model_fields[name].alias for cls, names in named.items() for name in names}
    assert aliases == {"data", "trainedOn", "artifactURI", "challenger", "tables", "inputs"}
    assert tasks.Challenger.model_fields["artifact_uri"].alias == "artifactURI"
    assert {cls.model_fields["uri"].alias for cls in (tasks.Data, tasks.Table, tasks.Input)} == {"uri"}
