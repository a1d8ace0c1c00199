"""``GET /v2/models/NAME/sketches``: what of it was asked for, and the document.

``?window=all``, the default, is everything since the model was loaded; ``?window=15m`` the windows of the last
fifteen minutes, with the one that runs. ``?since=T&until=T`` (Unix seconds) are the windows that begin from ``since``
to before ``until``. A window is ten seconds, after ten minutes it is joined to its whole minute, after an hour it is
gone: a program that asks again and again from minute to minute misses nothing and counts nothing twice.

With ``answers=true`` the sample of the answers comes too: up to half a megabyte.

The requests are counted by code and latency where nothing is observed, too.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qsl

from modelyard_api.wire.sketches import Sketches, merge, write
from modelyard_server.kept import KEPT_SECONDS, MINUTE, SECONDS, SHORT_SECONDS
from modelyard_server.metrics import Counts
from modelyard_server.observe.observer import Observer
from modelyard_server.tensors import BadRequest

_UNITS = {"s": 1, "m": 60, "h": 3600}


class Slot(Protocol):
    """``models.Slot``, as far as it is asked here."""

    name: str
    version: str
    counts: Counts
    observer: Observer | None


def chosen(slot: Slot, digest: str, query: str) -> list[Sketches]:
    """The parts that the query asks for; ``digest`` is that of the model. Raises BadRequest that names the
    parameter."""
    asked = _asked(query)
    span, observer = _span(asked), slot.observer
    if span is None:
        parts = observer.whole() if observer else []
        found = slot.counts.history.whole()
    else:
        parts = observer.between(*span) if observer else []
        found = slot.counts.history.between(*span)
    if not _flag(asked):
        parts = [replace(part, answers=None) for part in parts]
    start, end, requests = found
    if parts and not requests.total:
        return parts
    return [*parts, Sketches(slot.name, slot.version, digest, start, end, 0, (), requests)]


def _asked(query: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in ("window", "since", "until", "answers") or key in asked:
            raise BadRequest(f"query parameter {key[:64]!r}: window, or since and until, and answers, once each")
        asked[key] = value
    return asked


def _flag(asked: dict[str, str]) -> bool:
    text = asked.get("answers", "false")
    if text not in ("true", "false"):
        raise BadRequest(f"query parameter 'answers', {text[:64]!r}: true or false")
    return text == "true"


def _span(asked: dict[str, str]) -> tuple[float, float] | None:
    """From when to when the windows begin, None for all."""
    if "window" in asked and ("since" in asked or "until" in asked):
        raise BadRequest("query parameter 'window' says which time already: leave out since and until")
    if "since" in asked or "until" in asked:
        return _time(asked, "since", 0.0), _time(asked, "until", math.inf)
    window = asked.get("window", "all")
    if window == "all":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", window)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= KEPT_SECONDS:
        raise BadRequest(f"query parameter 'window', {window[:64]!r}: all, or a time up to 1h, such as 90s or 15m")
    return time.time() - (SECONDS if seconds < SHORT_SECONDS else MINUTE) - seconds, math.inf


def document(parts: list[Sketches]) -> bytes:
    """The answer. Slow for many windows and columns: not for the event loop."""
    return write(merge(parts))


def _time(asked: dict[str, str], key: str, default: float) -> float:
    text = asked.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRequest(f"query parameter {key!r}, {text[:64]!r}: seconds since 1970, such as 1764000000")
    return value
