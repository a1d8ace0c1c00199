"""How a task ends: the result document in the store, last, and then the termination message."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from modelyard_api.base import Model
from modelyard_api.result import MAX_MESSAGE_BYTES, Error, Failed, Message
from modelyard_api.task import TERMINATION_LOG, Common
from modelyard_runtime.errors import UserError
from modelyard_runtime.say import say
from modelyard_runtime.store import Store


def earlier(task: Common, store: Store, kind: str) -> dict[str, Any] | None:
    """The result of an earlier pod of the same task, which died between writing it and its end."""
    found = store.get_json(task.result_uri)
    if isinstance(found, dict) and found.get("kind") == kind:
        say("an earlier pod has left its result: nothing to do again")
        return found
    return None


def succeed(task: Common, store: Store, result: Model) -> None:
    store.put_json(task.result_uri, result.wire())
    leave(result.wire(), task.result_uri)


def fail(task: Common, store: Store, error: UserError) -> None:
    say(f"{error.reason}: {error.message}")
    failed = Failed(error=Error(reason=error.reason, message=error.message[:2000], field=error.field))
    store.put_json(task.result_uri, failed.wire())
    leave(failed.wire(), task.result_uri)


def leave(result: dict[str, Any], uri: str | None = None) -> None:
    """The termination message: at most 1 KiB, cut at the error's text and the metrics, never in the middle of JSON."""
    error = result.get("error")
    digest = result.get("artifactDigest") or result.get("digest")
    metrics = dict(list((result.get("metrics") or {}).items())[:8])
    message = Message(kind=result["kind"], result_uri=uri, digest=digest, metrics=metrics)
    if error:
        message.error = Error(reason=error["reason"], message=error["message"], field=error.get("field"))
    data = _encode(message)
    while len(data) > MAX_MESSAGE_BYTES:
        if message.error and len(message.error.message) > 80:
            message.error.message = message.error.message[: len(message.error.message) * 3 // 4].rstrip() + "..."
        elif message.metrics:
            message.metrics.popitem()
        else:
            message.result_uri = None
        data = _encode(message)
    path = Path(os.environ.get("MODELYARD_TERMINATION_LOG", TERMINATION_LOG))
    try:
        path.write_bytes(data)
    except OSError as problem:  # Nobody but the operator reads it, and it reads the result document too.
        say(f"no termination message: {problem}")


def _encode(message: Message) -> bytes:
    return json.dumps(message.wire(), separators=(",", ":")).encode()
