"""Reads the documentation's pages, code blocks and tables for tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "SECURITY.md",
    *(page for folder in ("docs", "manifests") for page in sorted((ROOT / folder).rglob("*.md"))),
]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    """Returns the page's path in the repository, for test ids and messages."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[str]:
    """Returns the fenced code blocks of these languages; indented blocks have no language and are left out."""
    return [text for language, text in _BLOCK.findall(page.read_text()) if language in languages]


def documents(page: Path) -> Iterator[tuple[str, Any]]:
    """Yields each YAML document of the page's blocks, after the first line of its block."""
    for block in blocks(page, "yaml"):
        for document in yaml.safe_load_all(block):
            yield block.splitlines()[0], document


def code(page: Path) -> list[str]:
    """Returns the texts between single backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", page.read_text()))


def rows(page: Path) -> list[list[str]]:
    """Returns the rows of the page's tables, without their heads."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("|")]
    rules = {index for index, line in enumerate(lines) if line.startswith("|---")}
    kept = [line for index, line in enumerate(lines) if index not in rules and index + 1 not in rules]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in kept]
