"""What a pod may do at the tracking server, which is the artifact store too: by its namespace and its annotations.

The annotations are read as plain JSON, not by the classes of ``task``: a tracking server meets pods of older and of
newer operators. Only a positive list of the task's addresses grants anything, since users write the rest of a task.
Whatever the annotations say, nothing outside ``modelyard/<the pod's namespace>/`` is granted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard_api.fields.artifact import SCHEME, experiment, is_path
from modelyard_api.wire.identity import READS

TASK = "modelyard.dev/task"
"""The annotation that holds the task, as in ``task.ANNOTATION``."""
ROOT = "modelyard"
TRACKED = ("Train", "Sweep")
"""The kinds of tasks that log runs."""
_READ = (("data", "uri"), ("trainedOn", "uri"), ("artifactURI",), ("challenger", "artifactURI"), ("previous", "uri"))
_READ_ALL = ("tables", "inputs")
"""The lists of a task whose items each have a ``uri`` that it reads."""
_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}")
_UID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class Rights:
    """Paths in the store have no scheme: ``modelyard/<namespace>/...``."""

    writes: str | None = None
    """The folder below which it writes, each file once."""
    result: str | None = None
    """The file that it writes, and that later pods of the same task replace."""
    reads: tuple[str, ...] = ()
    """The files and folders that it reads, with all that lies below."""
    experiment: str | None = None
    uid: str | None = None
    """The tag of its runs in that experiment."""

    def may_write(self, path: str) -> bool:
        return path == self.result or (self.writes is not None and path.startswith(f"{self.writes}/"))

    def may_replace(self, path: str) -> bool:
        return path == self.result

    def may_read(self, path: str) -> bool:
        folders = self.reads if self.writes is None else (*self.reads, self.writes)
        return path == self.result or any(path == at or path.startswith(f"{at}/") for at in folders)

    def is_own(self, uid: str | None) -> bool:
        """Whether a run with this tag belongs to the pod's task: its own run, or that of a trial of its sweep."""
        return bool(self.uid and uid and re.fullmatch(re.escape(self.uid) + r"(-\d{1,9})?", uid))


def rights_of(namespace: str, annotations: Mapping[str, str]) -> Rights:
    """Returns what the annotations grant to a pod of this namespace. What is malformed grants nothing."""
    reads = _inside(namespace, annotations.get(READS, "").split())
    try:
        task = json.loads(annotations.get(TASK, ""))
        subject = task["subject"]
        uid, name = subject["uid"], subject["name"]
        if subject["namespace"] != namespace or not (_is(_UID, uid) and _is(_NAME, name)):
            raise ValueError("not a subject of this namespace")
    except (ValueError, TypeError, KeyError, RecursionError):
        return Rights(reads=reads)
    writes, result = (next(iter(_below(namespace, [task.get(key)])), None) for key in ("baseURI", "resultURI"))
    named = [_at(task, *keys) for keys in _READ]
    for listed in (task.get(key) for key in _READ_ALL):
        named += [_at(item, "uri") for item in listed] if isinstance(listed, list) else []
    tracked = _experiment(namespace, task, name)
    return Rights(writes, result, (*reads, *_below(namespace, named)), tracked, uid if tracked else None)


def _experiment(namespace: str, task: dict[str, Any], name: str) -> str | None:
    if task.get("kind") not in TRACKED:
        return None
    named = task.get("model") if task["kind"] == "Train" else _at(task, "spec", "modelRef", "name")
    model = name if named is None else named
    return experiment(namespace, model) if _is(_NAME, model) else None


def _at(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _inside(namespace: str, uris: Iterable[Any]) -> tuple[str, ...]:
    """Returns the paths of the URIs that are at or below the namespace's folder."""
    top = f"{ROOT}/{namespace}"
    paths = [uri.removeprefix(SCHEME) for uri in uris if isinstance(uri, str) and uri.startswith(SCHEME)]
    return tuple(path for path in paths if is_path(path) and (path == top or path.startswith(f"{top}/")))


def _below(namespace: str, uris: Iterable[Any]) -> tuple[str, ...]:
    return tuple(path for path in _inside(namespace, uris) if path != f"{ROOT}/{namespace}")
