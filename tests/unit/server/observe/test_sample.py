"""Checks the sample of answers: which answers it keeps in bounded memory, and that all processes keep the same ids."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from modelyard_api.wire.answers import ENTRIES, Answers, Compared, compare, merge
from modelyard_api.wire.sketches import merge as merge_sketches
from modelyard_api.wire.sketches import read
from modelyard_server import kept
from modelyard_server import manifest as manifests
from modelyard_server.manifest import Manifest, Output
from modelyard_server.observe.observer import Observer
from modelyard_server.observe.payload import sampled
from modelyard_server.observe.sample import MOST, ROWS, Sample, hashed
from modelyard_server.protocol import Inference
from tests.unit.server.models import StoredModel
from tests.unit.server.observe.test_observer import Clock
from tests.unit.server.serving import NAME, Served, running

LABELS = (Output("label", "BYTES", (-1,)), Output("probabilities", "FP32", (-1, 2)))
NUMBERS = (Output("value", "FP32", (-1,)),)


def new_sample(outputs: tuple[Output, ...]) -> Sample:
    return Sample(Manifest("", "ONNX", "", "", "", "", (), outputs, (), {}, {}, {}))


def add_answer(sample: Sample, identity: str, outputs: tuple[Output, ...], *arrays: Any) -> None:
    sample.fold([(Inference(identity, len(arrays[0]), outputs), [np.array(array) for array in arrays])])


def entries(sample: Sample) -> list[Any]:
    frozen = sample.freeze()
    return list(np.frombuffer(frozen.entries, ENTRIES[frozen.kind]))


def key(identity: str) -> int:
    return int.from_bytes(hashed(identity), "big")


def pair(first: tuple[Any, ...], second: tuple[Any, ...], outputs: tuple[Output, ...]) -> Compared:
    """Returns the comparison of two answers to the same request, given as arrays of ``outputs``."""
    one, other = new_sample(outputs), new_sample(outputs)
    add_answer(one, "a", outputs, *first)
    add_answer(other, "a", outputs, *second)
    return compare(one.freeze(), other.freeze(), 0.01)


def test_of_a_model_with_labels_they_alone_count() -> None:
    yes, no, rates = np.array(["yes"], object), np.array(["no"], object), np.float32([[0.5, 0.5]])
    assert pair((yes, rates), (yes, 0 * rates), LABELS) == Compared(1, 0, 0)
    assert pair((yes, rates), (no, rates), LABELS) == Compared(1, 1, 0)
    number = (Output("label", "INT64", (-1,)),)
    assert pair(([1, 2],), ([1, 2],), number) == Compared(1, 0, 0)
    assert pair(([1, 2],), ([1, 3],), number) == Compared(1, 1, 0)
    assert pair(([True],), ([False],), (Output("label", "BOOL", (-1,)),)) == Compared(1, 1, 0)
    many = [*[0] * (ROWS - 1), 1, 2]
    assert pair((many,), ([*many[:-1], 3],), number) == Compared(1, 0, 0), "of many rows the first"
    sample = new_sample(LABELS)
    add_answer(sample, "a", LABELS[1:], rates)
    assert entries(sample) == [], "no label was asked for"


def test_of_other_models_the_first_numbers_count() -> None:
    sample = new_sample(NUMBERS)
    add_answer(sample, "a", NUMBERS, np.float32([1.5]))
    add_answer(sample, "b", NUMBERS, np.float32([[1], [2], [3], [4], [5]]))
    kept_answers = {int(item["id"]): item["answer"].tolist() for item in entries(sample)}
    assert kept_answers[key("b")] == [1, 2, 3, 4]
    assert kept_answers[key("a")] == pytest.approx([1.5, *[np.nan] * 3], nan_ok=True)
    assert pair((np.float32([100]),), (np.float32([100.9]),), NUMBERS) == Compared(1, 0, 0)
    assert pair((np.float32([100]),), (np.float32([np.nan]),), NUMBERS) == Compared(1, 1, 0)


def test_an_id_that_came_again_is_marked() -> None:
    sample = new_sample(NUMBERS)
    for identity in ("a", "b", "a", "a"):
        add_answer(sample, identity, NUMBERS, np.float32([1]))
    assert sorted(int(item["id"]) for item in entries(sample)) == sorted(map(key, "aab"))


def test_its_size_is_constant_and_the_ids_alone_say_what_is_kept() -> None:
    sample = new_sample(NUMBERS)
    for number in range(10 * MOST):
        add_answer(sample, f"order-{number}", NUMBERS, np.float32([number]))
        assert len(sample._answers) <= MOST
    frozen = sample.freeze()
    assert MOST / 3 < len(entries(sample)) <= MOST
    expected = {f"order-{number}" for number in range(10 * MOST) if sampled(f"order-{number}", 0.5**frozen.level)}
    assert {int(item["id"]) for item in entries(sample)} == set(map(key, expected))


def test_what_is_not_kept_costs_nearly_nothing() -> None:
    """Measures the CPU time of a request whose id isn't sampled, in a window that has had many requests."""
    sample, arrays = new_sample(NUMBERS), [np.float32([1])]
    for number in range(100 * MOST):
        add_answer(sample, str(number), NUMBERS, *arrays)
    batch = [(Inference(f"order-{number:032}", 1, NUMBERS), arrays) for number in range(10_000)]
    rounds = []
    for _ in range(7):
        began = time.process_time()
        sample.fold(batch)
        rounds.append((time.process_time() - began) / len(batch))
    print(f"\n{1e6 * min(rounds):.2f} us a request")
    assert min(rounds) < 2e-6


async def test_windows_keep_theirs_and_become_one(diabetes: StoredModel, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, manifest = Clock(), manifests.read(Path(diabetes.folder))
    observer, first = Observer("m", "1", manifest, clock), clock.now

    def add(*ids: str) -> None:
        for identity in ids:
            request = Inference(identity, 1, manifest.outputs, matrix=np.zeros((1, 10), np.float32))
            observer.add(request, [np.float32([1])], 100)
        observer.flush()

    def between(start: float, end: float) -> set[int]:
        parts = [part.answers for part in observer.between(first + start, first + end) if part.answers]
        merged = merge(parts) if parts else Answers("Numbers", 0, b"")
        return set(np.frombuffer(merged.entries, ENTRIES["Numbers"])["id"].tolist())

    add("a", "b")
    clock.now += 10
    add("c")
    assert (between(0, 10), between(10, 20)) == ({key("a"), key("b")}, {key("c")})
    clock.now += kept.SHORT_SECONDS + 60
    assert between(0, 60) == set(map(key, "abc")), "whole minutes"
    monkeypatch.setattr(kept, "MAX_BYTES", 0)
    add("d")
    clock.now += 10
    observer.windows.roll()
    assert between(0, 9e9) == set(), "its bytes count too"


async def test_a_large_request_is_one_answer_however_it_is_folded(diabetes: StoredModel) -> None:
    manifest = manifests.read(Path(diabetes.folder))
    samples = []
    for rows in (1, 5000):
        observer = Observer("m", "1", manifest, Clock())
        request = Inference("a", rows, manifest.outputs, matrix=np.zeros((rows, 10), np.float32))
        observer.add(request, [np.arange(rows, dtype=np.float32)], 100)
        parts = observer.whole()
        assert sum(part.predictions for part in parts) == rows
        (answers,) = [part.answers for part in parts if part.answers]
        samples.append(np.frombuffer(answers.entries, ENTRIES["Numbers"]))
    assert [list(map(int, item["id"])) for item in samples] == [[key("a")]] * 2
    assert samples[1]["answer"][0].tolist() == [0, 1, 2, 3]


async def test_a_failure_fails_no_prediction(diabetes: StoredModel, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = manifests.read(Path(diabetes.folder))
    observer = Observer("m", "1", manifest, Clock())
    request = Inference("a", 1, manifest.outputs, matrix=np.zeros((1, 10), np.float32))
    observer.add(request, [np.array([{}])], 100)
    observer.flush()
    assert observer.failed == 1
    assert "could not be observed" in capsys.readouterr().out


def row(iris: StoredModel, number: int) -> list[float]:
    return [float(value) for value in iris.table.to_numpy()[number]]


def by_rest(server: Served, values: list[float], body: dict[str, Any], headers: dict[str, str] | None = None) -> str:
    document = body | {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": values}]}
    path = f"/v2/models/{NAME}/infer"
    status, answer, _ = server.request("POST", path, json.dumps(document).encode(), headers)
    assert status == 200, answer
    return str(answer["id"])


def by_grpc(client: InferenceServerClient, values: list[float], identity: str, headers: dict[str, str]) -> str:
    tensor = InferInput("x", [1, 4], "FP32")
    tensor.set_data_from_numpy(np.float32([values]))
    return str(client.infer(NAME, [tensor], request_id=identity, headers=headers).get_response().id)


def answers(*servers: Served) -> Answers:
    pages = [server.get(f"/v2/models/{NAME}/sketches?answers=true")[1] for server in servers]
    merged = merge_sketches(read(json.dumps(page).encode()) for page in pages).answers
    assert merged is not None
    return merged


def test_rest_and_grpc_and_two_processes_have_the_same_id_for_the_same_request(
    iris: StoredModel, tmp_path: Path
) -> None:
    """60 requests go to one server by REST and are mirrored to two others by gRPC.

    Half of them have their id in the header alone, as from a gateway, and six are mirrored with another flower.
    """
    with (
        running(iris.folder, tmp_path) as stable,
        running(iris.folder, tmp_path) as first,
        running(iris.folder, tmp_path) as second,
    ):
        clients = [InferenceServerClient(f"127.0.0.1:{server.grpc_port}") for server in (first, second)]
        for number in range(60):
            identity, named = f"order-{number}", number % 2 == 0
            given, headers = {} if named else {"id": identity}, {"x-request-id": identity if named else "other"}
            assert by_rest(stable, row(iris, number), given, headers) == identity
            mirrored = row(iris, number + 100 if number in range(40, 46) else number)
            assert by_grpc(clients[number % 3 == 0], mirrored, "" if named else identity, headers) == identity
        compared = compare(answers(stable), answers(first, second), 0)
        assert (compared.pairs, compared.level) == (60, 0)
        assert compared.different == 6
        assert compare(answers(stable), answers(first), 0).pairs == 40
        for query, has_answers in (
            ("?answers=true", True),
            ("?answers=false", False),
            ("", False),
            ("?window=5m", False),
        ):
            status, page = stable.get(f"/v2/models/{NAME}/sketches{query}")
            assert (status, "answers" in page) == (200, has_answers)
        refused = stable.get(f"/v2/models/{NAME}/sketches?answers=all")
        assert refused == (400, {"error": "query parameter 'answers', 'all': true or false"})


@pytest.mark.parametrize("header", ["", "x" * 257, "naïve"], ids=["empty", "long", "latin"])
def test_a_header_that_is_no_id_is_none(header: str, iris: StoredModel, iris_server: Served) -> None:
    generated = by_rest(iris_server, row(iris, 0), {}, {"x-request-id": header})
    assert generated != header
    assert len(generated) == 32


def test_without_sketches_no_answers_are_kept(iris: StoredModel, tmp_path: Path) -> None:
    with running(iris.folder, tmp_path, "--no-sketches") as server:
        by_rest(server, row(iris, 0), {"id": "a"})
        assert "answers" not in server.get(f"/v2/models/{NAME}/sketches?answers=true")[1]
