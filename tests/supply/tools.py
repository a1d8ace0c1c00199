"""The tools of this package, which live in an environment of their own."""

from __future__ import annotations

from pathlib import Path

from tests.support.venvs import python_with


def tool(name: str) -> str:
    """Returns the path of a tool's program; the environment is built if it is missing."""
    return str(python_with("supply", Path(__file__).with_name("requirements.txt")).with_name(name))
