"""Generates ``docs/reference``, a page a kind and one of rights; ``python -m modelyard_api.generate.reference --check``
says if it is current.

The pages of the kinds are also listed in ``mkdocs.yml``, between two marks: a new kind has its place by itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelyard_api import API_VERSION
from modelyard_api.fields.base import Kind
from modelyard_api.generate import permissions
from modelyard_api.generate.crd import FOLDER, definition
from modelyard_api.generate.schema import Schema, structural
from modelyard_api.installation import Installation
from modelyard_api.kinds.pipeline import STEP_KINDS
from modelyard_api.kinds.registry import KINDS

ROOT = FOLDER.parent
PAGES, SITE = "docs/reference", "mkdocs.yml"
MARK = "Generated from `crds/modelyard_api` by `make docs`; do not edit."
"""The mark of a generated page: a page with it that is no longer generated is removed."""
_BEGIN, _END = "  # The kinds, written by `make docs`.", "  # The end of the kinds."
_ELSEWHERE = ("status.conditions", *(f"spec.steps[].{name}" for name, mark in STEP_KINDS.items() if mark.kind))
"""Fields whose own fields are not listed: conditions have the same in all of Kubernetes, and the specs of steps those
of their kinds."""


def files(root: Path = ROOT) -> dict[str, str]:
    """Returns path below ``root`` -> its generated text."""
    pages = {"index": _index(), "installation": _installation(), "permissions": permissions.page()}
    pages |= {name.lower(): _kind(name, kind) for name, kind in KINDS.items()}
    texts = {f"{PAGES}/{page}.md": "\n".join(lines).rstrip() + "\n" for page, lines in pages.items()}
    return texts | {SITE: _site((root / SITE).read_text())}


def differences(root: Path = ROOT) -> list[str]:
    """Returns the paths below ``root`` whose files differ from the generated ones."""
    current = files(root)
    changed = [
        path for path, text in current.items() if not (root / path).exists() or (root / path).read_text() != text
    ]
    return sorted([*changed, *_stale(root, current)])


def write(root: Path = ROOT) -> None:
    """Writes all files and removes the pages of kinds that no longer exist."""
    current = files(root)
    for path in _stale(root, current):
        (root / path).unlink()
    (root / PAGES).mkdir(parents=True, exist_ok=True)
    for path, text in current.items():
        (root / path).write_text(text)


def _stale(root: Path, current: dict[str, str]) -> list[str]:
    pages = (f"{PAGES}/{page.name}" for page in (root / PAGES).glob("*.md") if MARK in page.read_text())
    return [path for path in pages if path not in current]


def _site(text: str) -> str:
    """Returns ``mkdocs.yml`` with the kinds' pages in its navigation. Raises ValueError if it lacks a mark."""
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    pages = [f"  - {name}: {PAGES.removeprefix('docs/')}/{name.lower()}.md" for name in KINDS]
    return "\n".join([before + _BEGIN, *pages, _END + after])


def _index() -> Iterator[str]:
    yield from ("# Reference of the API", "", MARK, "")
    yield (
        f"Every kind is of `{API_VERSION}` and lives in a namespace; `kubectl get modelyard` lists them all. "
        "**Bold** fields must be written; `[]` is a list, `{}` a map by name. "
        "A default in brackets in a description depends on something else. "
        "`kubectl explain` says the same of the fields."
    )
    yield from ("", "| kind | short name | what it is |", "|---|---|---|")
    for name, kind in KINDS.items():
        yield f"| [{name}]({name.lower()}.md) | `{kind.info.short}` | {_sentence(kind.__doc__)} |"
    yield from ("", "- [The installation](installation.md): what holds for all of a cluster.")
    yield "- [Permissions](permissions.md): what each account may do, and what people may."
    yield "- [Reasons](reasons.md): what conditions say, and what to do."


def _kind(name: str, kind: type[Kind]) -> Iterator[str]:
    info = kind.info
    root = definition(name, kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    yield from (f"# {name}", "", MARK, "", _sentence(kind.__doc__), "")
    yield from (f"`kubectl get {info.plural}`, or `{info.short}` for short.", "")
    rules = list(_rules(root, ""))
    for part in ("spec", "status"):
        yield from (f"## {part}", "")
        yield from _table(root["properties"][part], part)
        yield ""
    if info.figures:
        yield from (
            "## Metrics",
            "",
            "The operator exports these for each object, with its `namespace` and `name`.",
            "",
        )
        yield from ("| metric | what it says |", "|---|---|")
        for figure in info.figures:
            label = f"{{{figure.label}}}" if figure.label else ""
            yield f"| `{figure.metric(name)}{label}` | {figure.description} |"
        yield ""
    if rules:
        yield from ("## What the API server refuses", "")
        yield from (f"- {f'`{path}`: ' if path else ''}{message}." for path, message in rules)
        yield ""


def _installation() -> Iterator[str]:
    yield from (
        "# The installation",
        "",
        MARK,
        "",
        "The ConfigMap `modelyard` in the operator's namespace, key `installation.yaml`, read when the operator "
        "starts; a field that it doesn't know ends the operator with a message.",
        "",
    )
    yield from _table(structural(Installation), "")


def _table(schema: Schema, path: str) -> Iterator[str]:
    yield "| field | type | default | description |"
    yield "|---|---|---|---|"
    for name, node, required in _fields(schema, path):
        shown = f"**`{name}`**" if required else f"`{name}`"
        cells = (shown, _type(node), _default(node), node.get("description", ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """Yields the path of every field below, depth first, with its schema and whether it is required."""
    for name, node in schema.get("properties", {}).items():
        field = f"{path}.{name}".lstrip(".")
        yield field, node, name in schema.get("required", ())
        inner, below = node, field
        while "items" in inner or "additionalProperties" in inner:
            inner, mark = (inner["items"], "[]") if "items" in inner else (inner["additionalProperties"], "{}")
            below += mark
        if field not in _ELSEWHERE:
            yield from _fields(inner, below)


def _rules(schema: Any, path: str) -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield path + rule.get("fieldPath", ""), rule["message"]
    for name, child in schema.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from _rules(schema["items"], f"{path}[]")


def _type(node: Schema) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "x-kubernetes-int-or-string" in node:
        return "quantity"
    if "x-kubernetes-preserve-unknown-fields" in node:
        return "anything"
    if "items" in node:
        return f"list of {_type(node['items'])}"
    if "additionalProperties" in node:
        values = node["additionalProperties"]
        return "map" if "x-kubernetes-preserve-unknown-fields" in values else f"map of {_type(values)}"
    low, high = node.get("minimum"), node.get("maximum")
    over, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    bounds = [f"{'>' if over else '≥'} {low}"] if low is not None else []
    bounds += [f"{'<' if under else '≤'} {high}"] if high is not None else []
    name = str(node.get("format")) if node.get("format") == "date-time" else str(node["type"])
    return f"{name} {', '.join(bounds)}".strip()


def _default(node: Schema) -> str:
    return f"`{json.dumps(node['default'])}`" if node.get("default") not in (None, {}, [], "") else ""


def _sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m modelyard_api.generate.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is not current")
    if not parser.parse_args().check:
        write()
        return 0
    if paths := differences():
        print(f"{', '.join(paths)}: not current, run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
