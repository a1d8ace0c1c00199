"""Finds and replaces placeholders such as ``$(parameters.trees)`` in the texts of a step."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_PATTERN = re.compile(r"\$\$\(|\$\(([^)]*)\)")
_ABSENT = object()
Path = tuple[str | int, ...]


class Unresolved(ValueError):
    """A placeholder has no value. The message names the field and the placeholder."""


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yields every text in a spec, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))


def names(text: str) -> list[str]:
    """Returns the placeholders in a text, by what stands in their parentheses."""
    return [match[1] for match in _PATTERN.finditer(text) if match[1] is not None]


def shown(path: Path) -> str:
    """Returns a path as it stands in messages: ``trainer.estimator.params.depth`` or ``args[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def resolved(spec: Any, values: Mapping[str, str | None], free: Iterable[Path]) -> Any:
    """Returns a spec with values for its placeholders. Raises Unresolved.

    A value of None means that there is none: a field that consists of that placeholder alone is left out. Below one of
    the paths ``free`` such a field becomes a number or a truth value if its value reads as one.
    """
    return _resolved(spec, values, lambda path: any(path[: len(start)] == start for start in free), ())


def typed(spec: Any, valid: Any) -> Any:
    """Returns a spec in which a text is a number where ``valid``, the same spec once it was validated, has one."""
    if isinstance(spec, dict) and isinstance(valid, dict):
        return {key: typed(item, valid.get(key)) for key, item in spec.items()}
    if isinstance(spec, list) and isinstance(valid, list) and len(spec) == len(valid):
        return [typed(item, other) for item, other in zip(spec, valid, strict=True)]
    return valid if isinstance(spec, str) and isinstance(valid, int) else spec


def _resolved(value: Any, values: Mapping[str, str | None], is_free: Callable[[Path], bool], path: Path) -> Any:
    if isinstance(value, str):
        return _text(value, values, is_free, path)
    if isinstance(value, dict):
        items = {key: _resolved(item, values, is_free, (*path, key)) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _ABSENT}
    if isinstance(value, list):
        parts = [_resolved(item, values, is_free, (*path, index)) for index, item in enumerate(value)]
        return [item for item in parts if item is not _ABSENT]
    return value


def _text(text: str, values: Mapping[str, str | None], is_free: Callable[[Path], bool], path: Path) -> Any:
    def value_of(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$("
        value = values.get(match[1])
        if value is None:
            raise Unresolved(f"{shown(path)}: {match[0]} has no value in this run")
        return value

    whole = _PATTERN.fullmatch(text)
    if whole is None or whole[1] is None:
        return _PATTERN.sub(value_of, text)
    if whole[1] in values and values[whole[1]] is None:
        return _ABSENT
    value = value_of(whole)
    return _scalar(value) if is_free(path) else value


def _scalar(text: str) -> Any:
    """Returns the number or truth value that a text is in JSON, or the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return value if isinstance(value, bool | int | float) and is_finite else text
