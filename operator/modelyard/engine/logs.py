"""Logs to stderr, one JSON object per line: time, level, logger, message, and the object that is being reconciled."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

from modelyard.engine.resource import Key

_key: ContextVar[Key | None] = ContextVar("key", default=None)


@contextlib.contextmanager
def about(key: Key) -> Iterator[None]:
    """Makes every log line in this block name the object."""
    token = _key.set(key)
    try:
        yield
    finally:
        _key.reset(token)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if key := _key.get():
            line |= {"kind": key.resource.kind, "namespace": key.namespace, "name": key.name}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure(level: int = logging.INFO) -> None:
    """Sets up the logging of the whole process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
