"""Asks a built image what it has: Debian's packages, and the Python packages of its environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.common.say import run
from tests.localcluster import engine

Ask = Callable[[Sequence[str]], str]
"""Runs a command in an image and returns its output."""
_DEBIAN = ("dpkg-query", "--show", "--showformat", r"${binary:Package}\t${Version}\t${Architecture}\n")
_RELEASE = ("sh", "-c", ". /etc/os-release && echo $ID-$VERSION_ID")
_PYTHON = """
import importlib.metadata, json
print(json.dumps([(item.name, item.version) for item in importlib.metadata.distributions()]))
"""


@dataclass(frozen=True)
class Content:
    distribution: str
    """Debian's, such as ``debian-12``."""
    debian: tuple[tuple[str, str, str], ...]
    """(name, version, architecture), sorted."""
    python: tuple[tuple[str, str], ...]
    """(name, version), sorted."""


def content(ask: Ask) -> Content:
    debian = sorted(line.split("\t") for line in ask(_DEBIAN).splitlines())
    python = sorted(json.loads(ask(("/venv/bin/python", "-c", _PYTHON))))
    return Content(
        ask(_RELEASE).strip(),
        tuple((name.partition(":")[0], version, architecture) for name, version, architecture in debian),
        tuple((name, version) for name, version in python),
    )


def by_engine(program: str, reference: str, environment: Mapping[str, str] | None = None) -> Ask:
    """Returns how to ask an image of docker's or podman's."""

    def ask(argv: Sequence[str]) -> str:
        entrypoint, *arguments = argv
        options = ("--rm", "--network=none", f"--entrypoint={entrypoint}")
        return run([program, "run", *options, reference, *arguments], env=environment)

    return ask


def of_this_machine(reference: str) -> Ask:
    """Returns how to ask an image that `make images` has built."""
    return by_engine("docker", reference, engine.environment())
