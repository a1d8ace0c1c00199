"""The documentation as tests read it: pages, code blocks and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "manifests").rglob("*.md"))]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    """For test ids and messages."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[str]:
    """The code blocks of these languages; an indented one has none and is not among them."""
    return [text for language, text in _BLOCK.findall(page.read_text()) if language in languages]


def documents(page: Path) -> Iterator[tuple[str, Any]]:
    """Each YAML document of the page's blocks, with the first line of its block."""
    for block in blocks(page, "yaml"):
        for document in yaml.safe_load_all(block):
            yield block.splitlines()[0], document


def code(page: Path) -> list[str]:
    """What stands between single backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", page.read_text()))


def rows(page: Path) -> list[list[str]]:
    """The rows of the page's tables, without their heads."""
    found = [line for line in page.read_text().splitlines() if line.startswith("|")]
    rules = {index for index, line in enumerate(found) if line.startswith("|---")}
    kept = [line for index, line in enumerate(found) if index not in rules and index + 1 not in rules]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in kept]
