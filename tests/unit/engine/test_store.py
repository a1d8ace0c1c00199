from __future__ import annotations

import itertools
from typing import Any

import pytest

from modelyard.engine.resource import DEPLOYMENTS, Object
from modelyard.engine.store import Store
from tests.unit.engine.objects import WIDGETS, key, widget


def versions(store: Store) -> dict[str, tuple[str, int]]:
    return {
        obj["metadata"]["name"]: (obj["metadata"]["uid"], int(obj["metadata"]["resourceVersion"]))
        for obj in store.list(WIDGETS)
    }


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        pytest.param([("apply", "a", 5), ("apply", "a", 4)], {"a": ("1", 5)}, id="an older version changes nothing"),
        pytest.param([("apply", "a", 5), ("deleted", "a", 6), ("apply", "a", 5)], {}, id="late event after the end"),
        pytest.param([("deleted", "a", 6), ("apply", "a", 5)], {}, id="the end is seen first"),
        pytest.param([("gone", "a", 0), ("apply", "a", 7)], {"a": ("1", 7)}, id="gone of an unknown object is nothing"),
        pytest.param([("apply", "a", 5), ("gone", "a", 0), ("apply", "a", 9)], {}, id="own delete, then a late change"),
        pytest.param(
            [("apply", "a", 5), ("apply", "a2", 8), ("deleted", "a", 7)],
            {"a": ("2", 8)},
            id="the end of the earlier object comes after its successor",
        ),
        pytest.param(
            [("apply", "a", 5), ("deleted", "a", 7), ("apply", "a2", 8)], {"a": ("2", 8)}, id="made again after its end"
        ),
        pytest.param(
            [("apply", "a", 5), ("gone", "a", 0), ("apply", "a2", 8)], {"a": ("2", 8)}, id="made again after own delete"
        ),
        pytest.param([("apply", "a", 5), ("listed", "", 9)], {}, id="a list without it: a ghost"),
        pytest.param([("apply", "a", 5), ("listed", "", 4)], {"a": ("1", 5)}, id="made after the list"),
        pytest.param([("apply", "a", 5), ("listed", "1", 9)], {"a": ("1", 5)}, id="a list with it"),
        pytest.param([("listed", "", 9), ("apply", "a", 8)], {}, id="below the floor: gone before the list"),
        pytest.param([("listed", "", 9), ("apply", "a", 10)], {"a": ("1", 10)}, id="above the floor"),
        pytest.param(
            [("apply", "a", 5), ("deleted", "a", 8), ("listed", "1", 6), ("apply", "a", 5)],
            {},
            id="a page of a running list holds what was deleted since",
        ),
    ],
)
def test_only_the_version_decides(steps: list[tuple[str, str, int]], kept: dict[str, tuple[str, int]]) -> None:
    store = Store()
    for step, target, version in steps:
        name, uid = target[:1], "2" if target.endswith("2") else "1"
        if step == "listed":
            store.listed(WIDGETS, None, set(target), version)
        elif step == "gone":
            store.gone(WIDGETS, "one", name, uid)
        else:
            getattr(store, step)(WIDGETS, widget(name, version, uid))
    assert versions(store) == kept


def test_every_order_of_a_history_ends_the_same() -> None:
    """Two objects have the same name in turn; their events may come in any order, and one of them twice."""
    history = [
        ("apply", widget("a", 1, "first")),
        ("apply", widget("a", 2, "first")),
        ("deleted", widget("a", 3, "first")),
        ("apply", widget("a", 4, "second")),
        ("apply", widget("a", 5, "second")),
    ]
    for order in itertools.permutations([*history, history[1]]):
        store = Store()
        for step, obj in order:
            getattr(store, step)(WIDGETS, obj)
        assert versions(store) == {"a": ("second", 5)}, order


def test_tells_each_accepted_change_once_with_both_versions() -> None:
    store, changes = Store(), []
    store.listeners.append(
        lambda resource, before, after, writer: changes.append(
            tuple(obj and int(obj["metadata"]["resourceVersion"]) for obj in (before, after))
        )
    )
    assert store.apply(WIDGETS, widget("a", 1))
    assert not store.apply(WIDGETS, widget("a", 1))
    assert store.apply(WIDGETS, widget("a", 2))
    assert store.deleted(WIDGETS, widget("a", 3))
    assert not store.deleted(WIDGETS, widget("a", 3))
    assert changes == [(None, 1), (1, 2), (2, None)]


def test_a_list_of_one_namespace_leaves_the_others_alone() -> None:
    store = Store()
    store.apply(WIDGETS, widget("a", 1))
    store.apply(WIDGETS, widget("b", 2, namespace="two"))
    assert store.listed(WIDGETS, "two", set(), 9) == 1
    assert [obj["metadata"]["name"] for obj in store.list(WIDGETS)] == ["a"]
    assert not store.apply(WIDGETS, widget("c", 8, namespace="two"))
    assert store.apply(WIDGETS, widget("c", 8))


def test_reads_are_copies_and_trimmed() -> None:
    store = Store()
    fields = [{"manager": "modelyard", "operation": "Update", "fieldsV1": {"f:status": {}}}]
    noise = {
        "managedFields": fields,
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "x": "y"},
    }
    store.apply(WIDGETS, widget("a", 1, metadata=noise, spec={"size": 1}))
    obj = store.get(WIDGETS, "one", "a")
    assert obj is not None
    assert obj["apiVersion"] == "modelyard.dev/v1alpha1"
    assert obj["kind"] == "Widget"
    assert obj["metadata"]["annotations"] == {"x": "y"}
    assert "managedFields" not in obj["metadata"]
    obj["spec"]["size"] = 2
    reread = store.get(WIDGETS, "one", "a")
    assert reread is not None
    assert reread["spec"] == {"size": 1}
    assert store.get(WIDGETS, "one", "b") is None


def test_of_managed_fields_what_others_set_in_children_and_who_set_replicas_is_kept() -> None:
    store = Store()
    store.attribute(DEPLOYMENTS)
    ours = {"manager": "modelyard", "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    theirs = {"manager": "hpa", "operation": "Update", "subresource": "scale", "time": "2026-01-01T00:00:00Z"}
    theirs["fieldsV1"] = {"f:spec": {"f:replicas": {}, "f:paused": {}}}  # type: ignore[assignment]
    for resource in (DEPLOYMENTS, WIDGETS):
        store.apply(resource, widget("a", 1, metadata={"managedFields": [ours, theirs]}))
    child, kind = store.get(DEPLOYMENTS, "one", "a"), store.get(WIDGETS, "one", "a")
    assert child is not None
    assert kind is not None
    replicas = {"f:spec": {"f:replicas": {}}}
    assert child["metadata"]["managedFields"] == [{"manager": "hpa", "fieldsV1": replicas}]
    assert kind["metadata"]["managedFields"] == [{"manager": "hpa", "subresource": "scale", "fieldsV1": replicas}]


def test_owners_and_indexes_follow_changes() -> None:
    store = Store()
    store.add_index(WIDGETS, "color", lambda obj: obj.get("spec", {}).get("colors", ()))
    owner = {"metadata": {"ownerReferences": [{"uid": "boss"}]}}
    boss = {"metadata": {**widget("boss", 1)["metadata"], "uid": "boss"}}
    store.apply(WIDGETS, widget("a", 1, spec={"colors": ["red", "blue"]}, **owner))
    store.apply(WIDGETS, widget("b", 2, spec={"colors": ["red"]}))

    def names(value: str) -> list[str]:
        return [obj["metadata"]["name"] for obj in store.find(WIDGETS, "color", value)]

    assert names("red") == ["a", "b"]
    assert [obj["metadata"]["name"] for obj in store.owned(WIDGETS, boss)] == ["a"]
    # A uid that an object of another namespace names makes it nobody's.
    assert store.owned(WIDGETS, {"metadata": {"namespace": "other", "uid": "boss"}}) == []
    store.apply(WIDGETS, widget("a", 3, spec={"colors": ["green"]}))
    assert names("red") == ["b"]
    assert names("blue") == []
    assert store.owned(WIDGETS, boss) == []
    store.deleted(WIDGETS, widget("a", 4))
    assert names("green") == []
    with pytest.raises(KeyError, match="no index 'shape'"):
        store.find(WIDGETS, "shape", "round")


def test_projection_sees_a_copy() -> None:
    store = Store()

    def drop_spec(obj: Object) -> Object:
        del obj["spec"]["big"]
        return obj

    store.project(WIDGETS, drop_spec)
    obj = widget("a", 1, spec={"big": 1, "small": 2})
    store.apply(WIDGETS, obj)
    assert obj["spec"] == {"big": 1, "small": 2}
    assert store.list(WIDGETS)[0]["spec"] == {"small": 2}


def test_tombstones_do_not_pile_up() -> None:
    store = Store()
    for number in range(100):
        store.apply(WIDGETS, widget(f"w{number}", number + 1))
        store.deleted(WIDGETS, widget(f"w{number}", 1000 + number))
    store.listed(WIDGETS, None, set(), 5000)
    assert not store._shelf(WIDGETS).tombs


@pytest.mark.parametrize("depth", [90, 300, 5000])
def test_an_object_of_any_depth_is_kept(depth: int) -> None:
    store = Store()
    deepest: Any = 1
    for _ in range(depth):
        deepest = [deepest]
    assert store.apply(WIDGETS, widget("a", 1, spec={"params": deepest, "other": 1}))
    kept = store.get(WIDGETS, "one", "a")
    assert kept is not None
    assert kept["spec"]["other"] == 1
    assert (kept["spec"]["params"] == deepest) == (depth == 90)


@pytest.mark.parametrize("number", [10**30, 2**64, -(2**63) - 1])
def test_a_number_of_any_size_is_kept(number: int) -> None:
    """The API server writes the float 1e30 as 31 digits, which a JSON parser reads as an integer."""
    store = Store()
    assert store.apply(WIDGETS, widget("a", 1, spec={"max": number}))
    kept = store.get(WIDGETS, "one", "a")
    assert kept is not None
    assert kept["spec"]["max"] == float(number)


def test_what_is_told_of_an_object_while_we_write_it_waits_for_the_answer() -> None:
    store, changes = Store(), []
    store.apply(WIDGETS, widget("a", 1))
    store.listeners.append(lambda resource, before, after, writer: changes.append((after and version(after), writer)))
    with store.writing(WIDGETS, "one", "a"):
        assert not store.apply(WIDGETS, widget("a", 2)), "the echo, before the answer"
        store.apply(WIDGETS, widget("b", 3))
        store.apply(WIDGETS, widget("a", 4))
        assert changes == [(3, None)]
        store.apply(WIDGETS, widget("a", 2), key("a"))
    assert changes == [(3, None), (2, key("a")), (4, None)], "and nothing of the echo"
    with store.writing(WIDGETS, "one", "a"):
        store.deleted(WIDGETS, widget("a", 5))
        assert store.get(WIDGETS, "one", "a") is not None
    assert store.get(WIDGETS, "one", "a") is None


def version(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])
