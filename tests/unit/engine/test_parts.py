"""Checks the engine's small parts: feeds, the routing of changes, log lines and metrics."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import Any

import pytest

from modelyard.engine import logs
from modelyard.engine.metrics import Metrics
from modelyard.engine.process import feeds_of
from modelyard.engine.queue import Queue
from modelyard.engine.resource import DATASETS, JOBS, MODELS, Key
from modelyard.engine.route import Router
from modelyard.engine.store import Store
from tests.unit.engine.objects import WIDGETS, key, widget


class Controller:
    """A controller of widgets; a Job concerns the widget that its label names."""

    resource = WIDGETS
    watches = (JOBS, MODELS)

    def keys_of(self, resource: Any, obj: Any, store: Any) -> list[Key]:
        return [key(obj["metadata"]["labels"]["widget"])]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} isn't needed here")


def job(version: int, widget_name: str | None) -> dict[str, Any]:
    return widget("job", version, metadata={"labels": {"widget": widget_name} if widget_name else {}})


def test_feeds_our_kinds_whole_and_of_others_only_our_children() -> None:
    ours = "app.kubernetes.io/managed-by=modelyard"
    assert {fed.resource: fed.selector for fed in feeds_of([Controller()])} == {WIDGETS: "", JOBS: ours, MODELS: ""}


def test_a_change_concerns_both_versions() -> None:
    store, queue = Store(), Queue()
    store.listeners.append(Router([Controller()], store, queue).changed)
    store.apply(JOBS, job(1, "a"))
    assert queue._waiting == {key("a")}
    store.apply(JOBS, job(2, "b"))
    assert queue._waiting == {key("a"), key("b")}
    store.apply(DATASETS, widget("nobody", 3))
    store.apply(WIDGETS, widget("c", 4))
    assert queue._waiting == {key("a"), key("b"), key("c")}


def test_a_change_of_ones_own_is_not_news() -> None:
    store, queue = Store(), Queue()
    store.listeners.append(Router([Controller()], store, queue).changed)
    store.apply(JOBS, job(1, "a"), writer=key("a"))
    assert queue.depth() == 0
    store.apply(JOBS, job(2, "a"), writer=key("b"))
    assert queue.depth() == 1


def test_a_mistake_in_keys_of_does_not_stop_the_feed(caplog: pytest.LogCaptureFixture) -> None:
    store, queue = Store(), Queue()
    store.listeners.append(Router([Controller()], store, queue).changed)
    assert store.apply(JOBS, job(1, None))
    assert "keys of Job one/job" in caplog.text


def test_a_kind_has_one_controller() -> None:
    with pytest.raises(ValueError, match="two controllers"):
        Router([Controller(), Controller()], Store(), Queue())


def test_a_log_line_names_the_object() -> None:
    record = logging.LogRecord("modelyard", logging.INFO, "", 0, "made %s", ("it",), None)
    with logs.about(key("a")):
        line = json.loads(logs.JsonFormatter().format(record))
    assert {name: line[name] for name in ("level", "message", "kind", "namespace", "name")} == {
        "level": "info",
        "message": "made it",
        "kind": "Widget",
        "namespace": "one",
        "name": "a",
    }
    assert "kind" not in json.loads(logs.JsonFormatter().format(record))


def logged(*steps: tuple[str, float, str], level: int = logging.WARNING) -> list[int | None]:
    """Logs (object, seconds, message) one after the other. Returns how often each was repeated, None if dropped."""
    repeated, results = logs.Repeated(), list[int | None]()
    for name, at, message in steps:
        record = logging.LogRecord("modelyard", level, "", 0, message, (), None)
        record.created = 1e9 + at
        with logs.about(key(name)) if name else contextlib.nullcontext():
            passed = repeated.filter(record)
            results.append(json.loads(logs.JsonFormatter().format(record)).get("repeated", 0) if passed else None)
    return results


def test_a_warning_about_one_object_is_logged_once_and_then_rarely() -> None:
    minutes = [("a", 60.0 * minute, f"pass ended early, again in {60 + minute / 10} s: 403") for minute in range(121)]
    lines = logged(*minutes)
    assert [line for line in lines if line is not None] == [0, 59, 59]
    assert (lines[0], lines[60], lines[120]) == (0, 59, 59)


def test_other_warnings_are_logged() -> None:
    assert logged(("a", 0, "answered 404"), ("a", 1, "answered 500"), ("b", 2, "answered 404")) == [0, 0, 0]
    assert logged(("", 0, "no lease"), ("", 1, "no lease")) == [0, 0], "it concerns the whole operator"
    assert logged(("a", 0, "made it"), ("a", 1, "made it"), level=logging.INFO) == [0, 0]


def test_what_is_remembered_of_warnings_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "REMEMBERED", 2)
    assert logged(*((name, 0, "x") for name in "abcab")) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"phase": "Running"}, "Running"),
        ({"conditions": [{"type": "Ready", "reason": "Serving"}]}, "Serving"),
        ({"conditions": [{"type": "Other", "reason": "Serving"}]}, ""),
        (None, ""),
    ],
)
def test_objects_are_counted_by_state(status: Any, state: str) -> None:
    store, metrics = Store(), Metrics()
    store.listeners.append(metrics.changed)
    store.apply(WIDGETS, widget("a", 1, status=status))
    store.apply(WIDGETS, widget("a", 2, status=status, spec={"changed": True}))
    line = f'modelyard_objects{{kind="Widget",state="{state}"}}'
    assert f"{line} 1.0" in metrics.page().decode()
    store.apply(WIDGETS, widget("a", 3, status={"phase": "Done"}))
    assert f"{line} 0.0" in metrics.page().decode()
    assert 'state="Done"} 1.0' in metrics.page().decode()
    store.deleted(WIDGETS, widget("a", 4))
    assert 'state="Done"} 0.0' in metrics.page().decode()
