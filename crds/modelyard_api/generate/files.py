"""Shared by the generators of YAML files: the difference between files and generated texts, and the command line."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

HEADER = "# Generated from crds/modelyard_api by `make crds`; do not edit.\n"


def difference(folder: Path, texts: Mapping[str, str]) -> str:
    """Returns how a folder's files differ from ``texts``, as a unified diff; an empty text means no such file."""
    lines: list[str] = []
    for name, text in sorted(texts.items()):
        path, label = folder / name, f"{folder.name}/{name}"
        before = path.read_text() if path.exists() else ""
        lines += difflib.unified_diff(before.splitlines(True), text.splitlines(True), label, f"{label} (generated)")
    return "".join(lines)


def run(
    prog: str, about: str | None, write: Callable[[], None], differences: Callable[[], str], target: str = "crds"
) -> int:
    """Runs a generator and returns its exit code: it writes, or with ``--check`` prints what is not current.

    ``target`` is what ``make`` calls it.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=about)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 with the difference if there is one"
    )
    if not parser.parse_args().check:
        write()
        return 0
    lines = differences().splitlines()
    if lines:
        print("\n".join(lines[:60]), file=sys.stderr)
        print(
            f"generated files are not current ({len(lines)} lines of difference): run `make {target}`", file=sys.stderr
        )
    return 1 if lines else 0
