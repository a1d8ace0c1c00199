"""Installs the wheels that a user's code needs beside the runtime's own, from a lock: pinned versions with digests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from modelyard_api.wire.redact import redacted
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.pod.say import say

_HASHES = re.compile(r"(\s+--hash=sha256:[0-9a-f]{64})+$")
_UNREACHABLE = ("connection broken by", "Max retries exceeded", "connection error", "Read timed out")
"""What pip says of an index that can't be asked, before it says that there is no such package."""
_ERROR = "ERROR: "


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of a lock: ``text`` as pip takes it."""

    name: str
    version: str
    text: str


def install(text: str, folder: Path, field: str) -> None:
    """Installs into ``folder`` what the lock names and the runtime lacks. Raises UserError and Retriable."""
    missing = [item for item in parse(text, field) if not is_here(item.name, item.version, field)]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.parent / "requirements.txt"
    file.write_text("".join(f"{item.text}\n" for item in missing))
    say(f"installing {', '.join(f'{item.name} {item.version}' for item in missing)}")
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-deps"]
    command += ["--no-cache-dir", "--no-compile", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    command += ["--target", str(folder), "--requirement", str(file)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            shown = redacted(line)
            print(shown, end="" if shown.endswith("\n") else "\n", flush=True)
            lines.append(shown.strip())
    if pip.returncode != 0:
        raise _failed(lines, field)


def parse(text: str, field: str) -> list[Locked]:
    """Returns the requirements that apply to this Python. Raises UserError for a line without version and digests."""
    locked = []
    for number, line in _lines(text):
        hashes = _HASHES.search(line)
        try:
            requirement = Requirement(line[: hashes.start()] if hashes else line)
        except InvalidRequirement:
            requirement = None
        pins = list(requirement.specifier) if requirement else []
        pinned = len(pins) == 1 and pins[0].operator == "==" and "*" not in pins[0].version
        if requirement is None or hashes is None or not pinned:
            message = (
                f"line {number}, {redacted(line)[:100]!r}, is not name==version --hash=sha256:...; write the lock by "
                "uv pip compile --generate-hashes, without options: the index is podTemplate.env PIP_INDEX_URL"
            )
            raise UserError("RequirementNotLocked", message, field)
        if requirement.marker is None or requirement.marker.evaluate():
            locked.append(Locked(requirement.name, pins[0].version, line))
    return locked


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields number and text of each line, continued lines as one, without comments and empty lines."""
    joined, first = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        first = first if joined else number
        bare = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        joined += bare.removesuffix("\\")
        if bare.endswith("\\"):
            continue
        if joined.strip():
            yield first, joined.strip()
        joined = ""
    if joined.strip():
        yield first, joined.strip()


def is_here(name: str, wanted: str, field: str) -> bool:
    """Returns whether the runtime has this version of a package. Raises UserError if it has another one."""
    try:
        ours = version(name)
    except PackageNotFoundError:
        return False
    if ours == wanted:
        return True
    message = (
        f"{name}=={wanted} is asked for, but the runtime has {name} {ours}, with which models are stored and served; "
        f"write {name}=={ours} into a file, and lock against it by uv pip compile --generate-hashes --constraint FILE"
    )
    raise UserError("RequirementConflicts", message, field)


def _failed(lines: list[str], field: str) -> UserError | Retriable:
    said = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)] or lines[-1:]
    problem = " ".join(said)[:800] or "pip failed without a word"
    unreachable = [line for line in lines if any(word in line for word in _UNREACHABLE)]
    if unreachable:
        message = f"{field}: the package index can't be reached: {unreachable[-1][:500]}"
        return Retriable("PackageIndexUnavailable", message)
    return UserError("RequirementNotInstalled", f"{problem}; only wheels with these digests are installed", field)
