"""The sample of answers: what is kept, in little memory; and over REST and gRPC, that two processes keep the same."""

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
from tests.unit.server.models import Made
from tests.unit.server.observe.test_observer import Clock
from tests.unit.server.serving import NAME, Served, running

LABELS = (Output("label", "BYTES", (-1,)), Output("probabilities", "FP32", (-1, 2)))
NUMBERS = (Output("value", "FP32", (-1,)),)


def sample(outputs: tuple[Output, ...]) -> Sample:
    return Sample(Manifest("", "ONNX", "", "", "", "", (), outputs, (), {}, {}, {}))


def asked(sample: Sample, identity: str, outputs: tuple[Output, ...], *arrays: Any) -> None:
    sample.fold([(Inference(identity, len(arrays[0]), outputs), [np.array(array) for array in arrays])])


def entries(sample: Sample) -> list[Any]:
    frozen = sample.freeze()
    return list(np.frombuffer(frozen.entries, ENTRIES[frozen.kind]))


def key(identity: str) -> int:
    return int.from_bytes(hashed(identity), "big")


def pair(first: tuple[Any, ...], second: tuple[Any, ...], outputs: tuple[Output, ...]) -> Compared:
    """Of two answers of these outputs' arrays."""
    one, other = sample(outputs), sample(outputs)
    asked(one, "a", outputs, *first)
    asked(other, "a", outputs, *second)
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
    made = sample(LABELS)
    asked(made, "a", LABELS[1:], rates)
    assert entries(made) == [], "no label was asked for"


def test_of_other_models_the_first_numbers_count() -> None:
    made = sample(NUMBERS)
    asked(made, "a", NUMBERS, np.float32([1.5]))
    asked(made, "b", NUMBERS, np.float32([[1], [2], [3], [4], [5]]))
    found = {int(item["id"]): item["answer"].tolist() for item in entries(made)}
    assert found[key("b")] == [1, 2, 3, 4]
    assert found[key("a")] == pytest.approx([1.5, *[np.nan] * 3], nan_ok=True)
    assert pair((np.float32([100]),), (np.float32([100.9]),), NUMBERS) == Compared(1, 0, 0)
    assert pair((np.float32([100]),), (np.float32([np.nan]),), NUMBERS) == Compared(1, 1, 0)


def test_an_id_that_came_again_is_marked() -> None:
    made = sample(NUMBERS)
    for identity in ("a", "b", "a", "a"):
        asked(made, identity, NUMBERS, np.float32([1]))
    assert sorted(int(item["id"]) for item in entries(made)) == sorted(map(key, "aab"))


def test_its_size_is_constant_and_the_ids_alone_say_what_is_kept() -> None:
    made = sample(NUMBERS)
    for number in range(10 * MOST):
        asked(made, f"order-{number}", NUMBERS, np.float32([number]))
        assert len(made._answers) <= MOST
    frozen = made.freeze()
    assert MOST / 3 < len(entries(made)) <= MOST
    wanted = {f"order-{number}" for number in range(10 * MOST) if sampled(f"order-{number}", 0.5**frozen.level)}
    assert {int(item["id"]) for item in entries(made)} == set(map(key, wanted))


def test_what_is_not_kept_costs_nearly_nothing() -> None:
    """CPU time of a request whose id is not sampled, in a window that has had many."""
    made, arrays = sample(NUMBERS), [np.float32([1])]
    for number in range(100 * MOST):
        asked(made, str(number), NUMBERS, *arrays)
    batch = [(Inference(f"order-{number:032}", 1, NUMBERS), arrays) for number in range(10_000)]
    rounds = []
    for _ in range(7):
        began = time.process_time()
        made.fold(batch)
        rounds.append((time.process_time() - began) / len(batch))
    print(f"\n{1e6 * min(rounds):.2f} us a request")
    assert min(rounds) < 2e-6


async def test_windows_keep_theirs_and_become_one(diabetes: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, manifest = Clock(), manifests.read(Path(diabetes.folder))
    observer, first = Observer("m", "1", manifest, clock), clock.now

    def add(*ids: str) -> None:
        for identity in ids:
            request = Inference(identity, 1, manifest.outputs, matrix=np.zeros((1, 10), np.float32))
            observer.add(request, [np.float32([1])], 100)
        observer.flush()

    def between(start: float, end: float) -> set[int]:
        parts = [part.answers for part in observer.between(first + start, first + end) if part.answers]
        found = merge(parts) if parts else Answers("Numbers", 0, b"")
        return set(np.frombuffer(found.entries, ENTRIES["Numbers"])["id"].tolist())

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


async def test_a_large_request_is_one_answer_however_it_is_folded(diabetes: Made) -> None:
    manifest = manifests.read(Path(diabetes.folder))
    found = []
    for rows in (1, 5000):
        observer = Observer("m", "1", manifest, Clock())
        request = Inference("a", rows, manifest.outputs, matrix=np.zeros((rows, 10), np.float32))
        observer.add(request, [np.arange(rows, dtype=np.float32)], 100)
        parts = observer.whole()
        assert sum(part.predictions for part in parts) == rows
        (answers,) = [part.answers for part in parts if part.answers]
        found.append(np.frombuffer(answers.entries, ENTRIES["Numbers"]))
    assert [list(map(int, one["id"])) for one in found] == [[key("a")]] * 2
    assert found[1]["answer"][0].tolist() == [0, 1, 2, 3]


async def test_a_failure_fails_no_prediction(diabetes: Made, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = manifests.read(Path(diabetes.folder))
    observer = Observer("m", "1", manifest, Clock())
    request = Inference("a", 1, manifest.outputs, matrix=np.zeros((1, 10), np.float32))
    observer.add(request, [np.array([{}])], 100)
    observer.flush()
    assert observer.failed == 1
    assert "could not be observed" in capsys.readouterr().out


def row(iris: Made, number: int) -> list[float]:
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
    found = merge_sketches(read(json.dumps(page).encode()) for page in pages).answers
    assert found is not None
    return found


def test_rest_and_grpc_and_two_processes_have_the_same_id_for_the_same_request(iris: Made, tmp_path: Path) -> None:
    """Sixty requests to one server by REST, and to two others by gRPC: half of them named by the header alone, as a
    gateway does. Six of them ask the others for another flower."""
    with (
        running(iris.folder, tmp_path) as stable,
        running(iris.folder, tmp_path) as one,
        running(iris.folder, tmp_path) as two,
    ):
        clients = [InferenceServerClient(f"127.0.0.1:{server.grpc_port}") for server in (one, two)]
        for number in range(60):
            identity, named = f"order-{number}", number % 2 == 0
            given, headers = {} if named else {"id": identity}, {"x-request-id": identity if named else "other"}
            assert by_rest(stable, row(iris, number), given, headers) == identity
            mirrored = row(iris, number + 100 if number in range(40, 46) else number)
            assert by_grpc(clients[number % 3 == 0], mirrored, "" if named else identity, headers) == identity
        found = compare(answers(stable), answers(one, two), 0)
        assert (found.pairs, found.level) == (60, 0)
        assert found.different == 6
        assert compare(answers(stable), answers(one), 0).pairs == 40
        for query, there in (("?answers=true", True), ("?answers=false", False), ("", False), ("?window=5m", False)):
            status, page = stable.get(f"/v2/models/{NAME}/sketches{query}")
            assert (status, "answers" in page) == (200, there)
        refused = stable.get(f"/v2/models/{NAME}/sketches?answers=all")
        assert refused == (400, {"error": "query parameter 'answers', 'all': true or false"})


@pytest.mark.parametrize("header", ["", "x" * 257, "naïve"], ids=["empty", "long", "latin"])
def test_a_header_that_is_no_id_is_none(header: str, iris: Made, iris_server: Served) -> None:
    made = by_rest(iris_server, row(iris, 0), {}, {"x-request-id": header})
    assert made != header
    assert len(made) == 32


def test_without_sketches_no_answers_are_kept(iris: Made, tmp_path: Path) -> None:
    with running(iris.folder, tmp_path, "--no-sketches") as server:
        by_rest(server, row(iris, 0), {"id": "a"})
        assert "answers" not in server.get(f"/v2/models/{NAME}/sketches?answers=true")[1]
