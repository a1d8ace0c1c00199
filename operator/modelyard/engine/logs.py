"""Logs to stderr, one JSON object per line: time, level, logger, message, and the object that is being reconciled.

A warning about an object that recurs with each attempt is logged once, and then at most once an hour, with the number
of times that it was ``repeated`` meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

from modelyard.engine.resource import Key

REPEAT_AFTER = 3600.0
"""Shortest time in seconds between two equal warnings about one object, which may be tried again every minute."""
REMEMBERED = 4096
_VARYING = re.compile(r"\bin \d+(\.\d+)? s\b|\b0x[0-9a-f]+")
"""What differs between two equal warnings: the delay of the next attempt, and addresses of Python's objects."""

_key: ContextVar[Key | None] = ContextVar("key", default=None)


@contextlib.contextmanager
def about(key: Key) -> Iterator[None]:
    """Makes every log line in this block name the object."""
    token = _key.set(key)
    try:
        yield
    finally:
        _key.reset(token)


class Repeated(logging.Filter):
    """Drops a warning or error about an object that was logged within the last hour, and counts it for the next line.

    Lines about no object are kept: they concern the whole operator.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logged: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()
        """What a line says -> (when it was last logged, in seconds; number of lines dropped since)."""

    def filter(self, record: logging.LogRecord) -> bool:
        key = _key.get()
        if key is None or record.levelno < logging.WARNING:
            return True
        problem = record.exc_info[1] if record.exc_info else None
        text = _VARYING.sub("#", f"{record.getMessage()} {problem!r}")
        line = (key, record.name, record.levelno, text)
        at, dropped = self._logged.pop(line, (0.0, 0))
        if at and record.created - at < REPEAT_AFTER:
            self._logged[line] = (at, dropped + 1)
            return False
        self._logged[line] = (record.created, 0)
        if len(self._logged) > REMEMBERED:
            self._logged.popitem(last=False)
        if dropped:
            record.repeated = dropped
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if key := _key.get():
            line |= {"kind": key.resource.kind, "namespace": key.namespace, "name": key.name}
        if (repeated := getattr(record, "repeated", 0)) > 0:
            line["repeated"] = repeated
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure(level: int = logging.INFO) -> None:
    """Sets up the logging of the whole process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(Repeated())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
