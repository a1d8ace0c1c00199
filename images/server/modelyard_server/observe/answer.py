"""Answers ``GET /v2/models/NAME/sketches``: reads the query and writes the document.

``?window=all``, the default, is everything since the model was loaded; ``?window=15m`` is the windows of the last
fifteen minutes, including the open one. ``?since=T&until=T`` (Unix seconds) is the windows that begin in ``since`` <= t
< ``until``. A window is ten seconds long; after ten minutes it is merged into its whole minute, after an hour it is
dropped. So a program that keeps asking from minute to minute misses nothing and counts nothing twice.

With ``answers=true`` the answer includes the sample of predictions: up to half a megabyte.

Requests are counted by code and latency even if nothing is observed.
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
    """The attributes of ``models.Slot`` that this module reads."""

    name: str
    version: str
    counts: Counts
    observer: Observer | None


def chosen(slot: Slot, digest: str, query: str) -> list[Sketches]:
    """Returns the parts that the query asks for, to be merged; ``digest`` is the model's. Raises BadRequest, which
    names the parameter."""
    parameters = _parameters(query)
    span, observer = _span(parameters), slot.observer
    if span is None:
        parts = observer.whole() if observer else []
        start, end, requests = slot.counts.history.whole()
    else:
        parts = observer.between(*span) if observer else []
        start, end, requests = slot.counts.history.between(*span)
    if not _with_answers(parameters):
        parts = [replace(part, answers=None) for part in parts]
    if parts and not requests.total:
        return parts
    return [*parts, Sketches(slot.name, slot.version, digest, start, end, 0, (), requests)]


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in ("window", "since", "until", "answers") or key in parameters:
            raise BadRequest(f"query parameter {key[:64]!r}: window, or since and until, and answers, once each")
        parameters[key] = value
    return parameters


def _with_answers(parameters: dict[str, str]) -> bool:
    text = parameters.get("answers", "false")
    if text not in ("true", "false"):
        raise BadRequest(f"query parameter 'answers', {text[:64]!r}: true or false")
    return text == "true"


def _span(parameters: dict[str, str]) -> tuple[float, float] | None:
    """Returns the time span in which the windows begin, or None for all windows."""
    if "window" in parameters and ("since" in parameters or "until" in parameters):
        raise BadRequest("query parameter 'window' says which time already: leave out since and until")
    if "since" in parameters or "until" in parameters:
        return _time(parameters, "since", 0.0), _time(parameters, "until", math.inf)
    window = parameters.get("window", "all")
    if window == "all":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", window)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= KEPT_SECONDS:
        raise BadRequest(f"query parameter 'window', {window[:64]!r}: all, or a time up to 1h, such as 90s or 15m")
    return time.time() - (SECONDS if seconds < SHORT_SECONDS else MINUTE) - seconds, math.inf


def document(parts: list[Sketches]) -> bytes:
    """Returns the answer's body. Slow for many windows and columns, so not for the event loop."""
    return write(merge(parts))


def _time(parameters: dict[str, str], key: str, default: float) -> float:
    text = parameters.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRequest(f"query parameter {key!r}, {text[:64]!r}: seconds since 1970, such as 1764000000")
    return value
