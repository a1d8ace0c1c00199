"""Reports the end of a task: first the result document in the store, then the termination message."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from modelyard_api.fields.base import Model
from modelyard_api.wire.result import MAX_MESSAGE_BYTES, SUPERSEDED, Error, Failed, Message
from modelyard_api.wire.task import TERMINATION_LOG, Common
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore

ELLIPSIS = "..."
ENOUGH = 80
"""Bytes of an error's text to keep even at the cost of metrics."""


def earlier(task: Common, store: ArtifactStore, kind: str) -> dict[str, Any] | None:
    """Returns the result of an earlier pod of the same task that wrote it but died before its end, or None."""
    result = store.get_json(task.result_uri)
    if isinstance(result, dict) and result.get("kind") == kind:
        say("an earlier pod has left its result: nothing to do again")
        return result
    return None


def supersede(task: Common, store: ArtifactStore) -> None:
    """Takes the result of an earlier pod back: whatever it collected, its container has failed or was stopped."""
    if store.get(task.result_uri) is not None:
        store.put_json(task.result_uri, SUPERSEDED)


def succeed(task: Common, store: ArtifactStore, result: Model) -> None:
    store.put_json(task.result_uri, result.wire())
    leave(result.wire(), task.result_uri)


def fail(task: Common, store: ArtifactStore, error: UserError) -> None:
    say(f"{error.reason}: {error.message}")
    failed = Failed(error=Error(reason=error.reason, message=error.message[:2000], field=error.field))
    store.put_json(task.result_uri, failed.wire())
    leave(failed.wire(), task.result_uri)


def leave(result: dict[str, Any], uri: str | None = None) -> None:
    """Writes the termination message of at most 1 KiB, shortening the error's text and the metrics: it stays valid
    JSON."""
    error = result.get("error")
    digest = result.get("artifactDigest") or result.get("digest")
    metrics = dict(list((result.get("metrics") or {}).items())[:8])
    message = Message(kind=result["kind"], result_uri=uri, digest=digest, metrics=metrics)
    if error:
        message.error = Error(reason=error["reason"], message=error["message"], field=error.get("field"))
    data = _fitted(message)
    path = Path(os.environ.get("MODELYARD_TERMINATION_LOG", TERMINATION_LOG))
    try:
        path.write_bytes(data)
    except OSError as problem:  # only the operator reads it, and it reads the result document too
        say(f"no termination message: {problem}")


def _fitted(message: Message) -> bytes:
    """Encodes the message. Until it fits, cuts the error's text to 80 bytes, then metrics from the last, then the URI,
    then the whole text."""
    error = message.error
    while error and _too_long(message) and len(error.message.encode()) > ENOUGH:
        kept = error.message.encode()[: max(ENOUGH, len(error.message.encode()) * 3 // 4) - len(ELLIPSIS)]
        error.message = kept.decode(errors="ignore").rstrip() + ELLIPSIS
    while message.metrics and _too_long(message):
        message.metrics.popitem()
    if _too_long(message):
        message.result_uri = None
    if error and _too_long(message):
        error.message, error.field = "", None
    return _encode(message)


def _too_long(message: Message) -> bool:
    return len(_encode(message)) > MAX_MESSAGE_BYTES


def _encode(message: Message) -> bytes:
    return json.dumps(message.wire(), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
