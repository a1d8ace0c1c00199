"""Checks what a pipeline step's container finds, and that only what the step declares is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard_api.wire.result import SUPERSEDED
from modelyard_api.wire.task import StepTask
from modelyard_runtime.commands.step import collect, lay_out
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore


def task(*outputs: str) -> StepTask:
    return StepTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=STORE,
        result_uri=f"{STORE}/s/r",
        step="check",
        parameters={"trees": "10"},
        outputs=list(outputs),
    )


def test_it_finds_its_parameters_and_no_earlier_result(tmp_path: Path) -> None:
    store = MemoryStore()
    store.put_json(task().result_uri, {"kind": "Step"})
    lay_out(task(), store, tmp_path / "in")
    assert json.loads((tmp_path / "in/parameters.json").read_text()) == {"trees": "10"}
    assert store.get_json(task().result_uri) == SUPERSEDED


def test_texts_and_numbers_are_kept(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text('{"trees": 20, "share": 0.5, "name": "a b"}')
    kept = collect(task("trees", "share", "name"), MemoryStore(), tmp_path).outputs
    assert kept == {"trees": "20", "share": "0.5", "name": "a b"}


def test_a_step_without_outputs_needs_no_file(tmp_path: Path) -> None:
    assert collect(task(), MemoryStore(), tmp_path).outputs == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[1]", "is a list; write a JSON object"),
        ("{}", "lacks 'trees', which the step declares; write all of trees"),
        ('{"trees": 1, "more": 2}', "has 'more', which the step doesn't declare; it declares trees"),
        ('{"trees": null}', "has a NoneType as 'trees'; write a text or a number"),
        ('{"trees": "' + "x" * 600 + '"}', "605 bytes of names and values; at most 512 are possible; write less"),
    ],
)
def test_anything_else_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "outputs.json").write_text(text)
    with pytest.raises(UserError) as caught:
        collect(task("trees"), MemoryStore(), tmp_path)
    assert (caught.value.reason, caught.value.field) == ("InvalidOutputs", "spec.steps[check].container.outputs")
    assert says in caught.value.message


def test_a_container_that_wrote_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ended without /modelyard/out/outputs.json; it wrote nothing; write the outp"):
        collect(task("trees"), MemoryStore(), tmp_path)
