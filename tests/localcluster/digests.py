"""Computes a digest of what decides an image's content: its Dockerfile, the files that it copies, and its base."""

import glob
import hashlib
import json
import os
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from .paths import HERE, REPO
from .say import CannotRun

# These files are no part of an image; `.dockerignore` in the root tells the builders the same.
IGNORED = ("__pycache__", "*.pyc", "*.egg-info")


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yields the instructions of a Dockerfile as (upper-case word, rest), with continued lines joined, without
    comments."""
    joined = ""
    for line in dockerfile.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        joined += line.strip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        word, _, rest = joined.partition(" ")
        yield word.upper(), rest.strip()
        joined = ""


def copied(dockerfile: str) -> list[str]:
    """Returns the source patterns of the COPY and ADD lines that read from the build context.

    Raises CannotRun if a pattern has a variable.
    """
    patterns: list[str] = []
    for word, rest in instructions(dockerfile):
        if word not in ("COPY", "ADD"):
            continue
        parts = shlex.split(rest)
        flags = [part for part in parts if part.startswith("--")]
        if any(flag.startswith("--from=") for flag in flags):
            continue
        plain = rest.split(" ", len(flags))[-1] if flags else rest
        sources = (json.loads(plain) if plain.startswith("[") else shlex.split(plain))[:-1]
        for source in sources:
            if "$" in source:
                raise CannotRun(f"'{word} {rest}' takes a path with a variable in it, whose content can't be told.")
        patterns += sources
    return patterns


def _ignored(path: Path) -> bool:
    return any(fnmatch(part, pattern) for part in path.parts for pattern in IGNORED)


def files(patterns: list[str], context: Path) -> list[Path]:
    """Returns the files below `context` that match the patterns, relative and sorted.

    Raises CannotRun if a pattern matches no file.
    """
    paths: set[Path] = set()
    for pattern in patterns:
        matches = glob.glob(pattern.lstrip("/"), root_dir=context, include_hidden=True)
        if not matches:
            raise CannotRun(f"A Dockerfile copies '{pattern}', and there is no such file in {context}.")
        for match in matches:
            top = context / match
            for path in [top] if top.is_file() else top.rglob("*"):
                relative = path.relative_to(context)
                if path.is_file() and not _ignored(relative):
                    paths.add(relative)
    return sorted(paths)


def digest(recipe: Path, context: Path, base: str) -> str:
    """Returns the digest of what decides the content of a Dockerfile's image: 'sha256:' and 64 hex digits."""
    text = recipe.read_text()
    total = hashlib.sha256(f"{base}\0{text}".encode())
    for path in files(copied(text), context):
        data = (context / path).read_bytes()
        executable = os.access(context / path, os.X_OK)
        total.update(f"\0{path}\0{executable:d}\0{len(data)}\0".encode() + data)
    return f"sha256:{total.hexdigest()}"


def dockerfiles(repo: Path = REPO) -> dict[str, Path]:
    """Returns image -> its Dockerfile, for each folder of images/ that has one."""
    return {path.parent.name: path for path in sorted((repo / "images").glob("*/Dockerfile"))}


def dockerfile(image: str) -> Path:
    """Returns the Dockerfile of an image of the project, or of an addon."""
    own = REPO / "images" / image / "Dockerfile"
    return own if own.exists() else HERE / "addons" / image / "Dockerfile"


def reference(image: str) -> str:
    """Returns the name by which the manifests refer to an image."""
    return f"localhost/modelyard/{image}:dev"


IGNORE_FILE = REPO / ".dockerignore"
