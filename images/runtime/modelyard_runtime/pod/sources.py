"""Where a user's training function comes from: a file of a ConfigMap, or a package in a bundle."""

from __future__ import annotations

import json
import platform
from importlib.metadata import distributions
from pathlib import Path

from modelyard_api.fields.artifact import sha256
from modelyard_api.fields.trainer import Bundle, ScriptFiles
from modelyard_runtime.pod import code, requirements
from modelyard_runtime.pod.code import Function
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say

FIELD = "spec.trainer.script"
MARKER = "bundle.json"


def from_config_map(files: ScriptFiles, digests: dict[str, str], entry: str, folder: Path, work: Path) -> Function:
    """Returns the function of a ConfigMap's file, once the wheels that it needs are installed. Raises UserError."""
    source = _read(folder, files.key, digests)
    if files.requirements:
        site = work / "site"
        text = _read(folder, files.requirements, digests).decode(errors="replace")
        requirements.install(text, site, f"{FIELD}.configMap.requirements")
        code.add_path(site)
    say(f"{files.key}: {sha256(source)}")
    return code.load(folder / files.key, source, entry, FIELD)


def from_bundle(bundle: Bundle, entry: str, folder: Path) -> Function:
    """Returns the function of a bundle's package. Raises UserError, also for one that holds nothing or doesn't fit."""
    field = f"{FIELD}.bundle.image"
    try:
        marker = json.loads((folder / MARKER).read_bytes())
        commit, python = str(marker["commit"]), str(marker["python"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = (
            f"{bundle.image} is mounted, but has no {MARKER} that says commit and Python ({type(error).__name__}): a "
            "node mounts what it can't unpack as an empty folder; name a bundle, as a PipelineSource pushes it"
        )
        raise UserError("BundleUnusable", message, field) from error
    ours = ".".join(platform.python_version_tuple()[:2])
    if python != ours:
        message = f"the bundle is for Python {python}, the runtime has {ours}; make it with the runtime's Python"
        raise UserError("BundleUnusable", message, field)
    for library in distributions(path=[str(folder / "site")]):
        requirements.is_here(library.name, library.version, field)
    say(f"bundle of commit {commit}")
    code.add_path(folder / "src")
    code.add_path(folder / "site")
    return code.load_from(folder / "src", entry, FIELD)


def _read(folder: Path, key: str, digests: dict[str, str]) -> bytes:
    """Returns a file of the ConfigMap. Raises UserError if it is another one than when the run started."""
    path = folder / key
    data = path.read_bytes() if path.is_file() else None
    if data is not None and sha256(data) == digests.get(key):
        return data
    has = "is gone" if data is None else "has changed"
    message = f"key {key!r} {has} since the run started, and a run trains from one script; apply a run with a new name"
    raise UserError("ScriptChanged", message, f"{FIELD}.configMap")
