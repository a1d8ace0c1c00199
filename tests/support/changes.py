"""Finds the modules that a change reaches, by the imports between modules (import-linter's own graph)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import grimp

from tests.common.paths import REPO

SOURCES = {
    "operator": "modelyard",
    "crds": "modelyard_api",
    "images/shared": "modelyard_models",
    "images/runtime": "modelyard_runtime",
    "images/server": "modelyard_server",
    "images/workspace": "modelyard_workspace",
    ".": "tests",
}
"""Folder -> the package in it."""
BASE = "MODELYARD_BASE"
"""The environment variable that names the commit with which the files are compared."""


def files(repo: Path = REPO) -> list[str]:
    """Returns the files that differ, committed or not, from the commit at which this branch left the main one.

    On the main branch itself they are compared with the previous commit. Without a history the list is empty.
    """
    base = os.environ.get(BASE) or _base(repo)
    if base is None:
        return []
    changed = _git(repo, "diff", "--name-only", base) or ""
    new = _git(repo, "ls-files", "--others", "--exclude-standard") or ""
    return sorted({*changed.splitlines(), *new.splitlines()})


def _base(repo: Path) -> str | None:
    head = _git(repo, "rev-parse", "HEAD")
    for main in ("origin/HEAD", "origin/main", "main"):
        fork = _git(repo, "merge-base", "HEAD", main)
        if fork and (fork != head or _git(repo, "status", "--porcelain")):
            return fork
    return _git(repo, "rev-parse", "--verify", "--quiet", "HEAD~1")


def _git(repo: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


COLLECTING = ("modelyard.kinds", "tests.kinds")
"""Packages that import their own modules by the kinds' names, which the graph of imports doesn't show."""


def graph() -> grimp.ImportGraph:
    imports = grimp.build_graph(*SOURCES.values(), cache_dir=None)
    for package in COLLECTING:
        for module in imports.find_descendants(package):
            imports.add_import(importer=package, imported=module)
    return imports


def module(file: str) -> str | None:
    """Returns the name of the module in a file of the repository, or None if the file is no module."""
    for folder, package in SOURCES.items():
        root = f"{package}/" if folder == "." else f"{folder}/{package}/"
        if file.startswith(root) and file.endswith(".py"):
            inside = file.removesuffix(".py").removesuffix("/__init__")
            return (inside if folder == "." else inside.removeprefix(f"{folder}/")).replace("/", ".")
    return None


def reached(imports: grimp.ImportGraph, changed: Iterable[str]) -> set[str]:
    """Returns the modules of these files, and all that import one of them, directly or not."""
    names = {name for file in changed if (name := module(file)) in imports.modules}
    return names.union(*(imports.find_downstream_modules(name) for name in names))


def touched_kinds(changed: Iterable[str]) -> set[str]:
    """Returns the names of the controllers' packages below ``modelyard.kinds`` that a change reaches."""
    prefix = "modelyard.kinds."
    return {name.split(".")[2] for name in reached(graph(), changed) if name.startswith(prefix)}
