"""Reads the manifests of a commit: only kinds of Modelyard, in whatever namespace a target says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from modelyard_api import API_VERSION
from modelyard_api.fields.base import MAX_LEVELS, levels
from modelyard_api.kinds.registry import DELIVERED
from modelyard_api.wire.redact import redacted
from modelyard_api.wire.result import MAX_MANIFESTS, MAX_MANIFESTS_BYTES

FOLDER = "manifests"
PLACEHOLDERS = ("bundle.image", "bundle.digest", "commit", "commit.short")
"""What may stand in a manifest as ``$(name)``."""
_PLACEHOLDER = re.compile(r"\$\(((?:bundle|commit)(?:\.[a-zA-Z]*)?)\)")
_METADATA = {"name", "labels", "annotations"}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")

Manifest = dict[str, Any]


class BadManifest(Exception):
    """The message names the file and what is allowed. It may quote the file, so it is cleaned."""

    def __init__(self, message: str) -> None:
        super().__init__(redacted(message))


def read(sources: Path, values: Mapping[str, str]) -> list[Manifest]:
    """Returns the manifests with the placeholders filled in, in the order of the files. Raises BadManifest."""
    folder = sources / FOLDER
    if not folder.is_dir() or folder.is_symlink():
        raise BadManifest(f"there is no folder {FOLDER} in git.path; add it, with the YAML of what is to be delivered")
    result: list[Manifest] = []
    for path in sorted(item for item in folder.rglob("*") if item.suffix in (".yaml", ".yml")):
        name = str(path.relative_to(sources))
        if path.is_symlink() or not path.is_file():
            raise BadManifest(f"{name}: it is no plain file")
        result += [_checked(name, _filled(name, document, values)) for document in _documents(name, path)]
    known = [(item["kind"], item["metadata"]["name"]) for item in result]
    if twice := sorted({pair for pair in known if known.count(pair) > 1}):
        raise BadManifest(f"{FOLDER}: {twice[0][0]} {twice[0][1]} stands there twice; remove one")
    if not result:
        raise BadManifest(f"{FOLDER}: there is no YAML in it; add what is to be delivered")
    if len(result) > MAX_MANIFESTS:
        raise BadManifest(f"{FOLDER}: {len(result)} objects are too many; at most {MAX_MANIFESTS} are delivered")
    if (size := len(json.dumps(result))) > MAX_MANIFESTS_BYTES:
        raise BadManifest(f"{FOLDER}: {size} bytes are too many; at most {MAX_MANIFESTS_BYTES} are delivered")
    return result


def _documents(name: str, path: Path) -> Iterator[Any]:
    if path.stat().st_size > MAX_MANIFESTS_BYTES:
        raise BadManifest(f"{name}: it has more than {MAX_MANIFESTS_BYTES} bytes")
    try:
        text = path.read_text()
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise BadManifest(f"{name}: aliases (*name) are not allowed; write the value out")
        yield from (item for item in yaml.safe_load_all(text) if item is not None)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadManifest(f"{name}: it is not YAML: {_why(error)}") from error


def _why(error: Exception) -> str:
    """Returns what is wrong, and where. The parser's own text quotes a part of the line, in which half of a credential
    may stand."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(redacted(str(error)).split())[:300]
    what = " ".join(filter(None, (error.context, error.problem)))
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {redacted(what)[:300]}"


def _checked(name: str, document: Any) -> Manifest:
    if not isinstance(document, dict) or document.get("apiVersion") != API_VERSION:
        found = document.get("apiVersion") if isinstance(document, dict) else document
        raise BadManifest(f"{name}: apiVersion {found!r} is not delivered; allowed is {API_VERSION}")
    if document.get("kind") not in DELIVERED:
        raise BadManifest(f"{name}: kind {document.get('kind')!r} is not delivered; allowed are {', '.join(DELIVERED)}")
    meta = document.get("metadata")
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str) or not _NAME.fullmatch(meta["name"]):
        raise BadManifest(f"{name}: metadata.name is missing, or no name of an object")
    if more := sorted(set(meta) - _METADATA):
        raise BadManifest(f"{name}: metadata.{more[0]} can't be set; the target says the namespace")
    for part in ("labels", "annotations"):
        values = meta.get(part, {})
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise BadManifest(f"{name}: metadata.{part} must be a map of texts")
        if own := [key for key in values if str(key).startswith("modelyard.dev/")]:
            raise BadManifest(f"{name}: metadata.{part}: {own[0]} is one of the operator's own; choose another key")
    if set(document) != {"apiVersion", "kind", "metadata", "spec"} or not isinstance(document["spec"], dict):
        raise BadManifest(f"{name}: apiVersion, kind, metadata and spec are what it may, and must, have")
    if levels(document) > MAX_LEVELS - 2:
        raise BadManifest(f"{name}: there are more than {MAX_LEVELS - 2} levels of lists and maps")
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadManifest(f"{name}: {error}; put a date, or what else is a text, in quotes") from error
    return document


def _filled(name: str, value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(name, item, values) for key, item in value.items()}
        case list():
            return [_filled(name, item, values) for item in value]
        case str():
            return _PLACEHOLDER.sub(lambda match: _value(name, match[1], values), value)
    return value


def _value(name: str, placeholder: str, values: Mapping[str, str]) -> str:
    if placeholder not in values:
        known = ", ".join(f"$({item})" for item in PLACEHOLDERS)
        raise BadManifest(f"{name}: $({placeholder}) is not known; there are {known}")
    return values[placeholder]
