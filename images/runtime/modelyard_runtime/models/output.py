"""Reads what the user's own code wrote, which may be anything: a folder, a link, or nothing."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.wire.task import OUT_FOLDER
from modelyard_runtime.pod.errors import UserError


def read(folder: Path, name: str, field: str, what: str = "model") -> bytes:
    """Returns the bytes of the file ``name`` in ``folder``. Raises UserError unless it is a readable file there;
    ``field`` is the spec's field that says who wrote it.

    A link may lead anywhere in this pod, which has files that the user's container can't read, so one that leads out
    of ``folder`` is refused. Nothing changes the folder any more: the container has ended.
    """
    invalid, path, shown = f"Invalid{what.capitalize()}", folder / name, f"{OUT_FOLDER}/{name}"
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:  # a link to itself raises either
        raise UserError(invalid, f"{shown} is a link that can't be followed; write a file", field) from error
    if not target.is_relative_to(folder.resolve()):
        message = f"{shown} is a link that leads out of {OUT_FOLDER}, to {target}; write a file, or a link to one in it"
        raise UserError(invalid, message, field)
    if path.is_symlink() and not path.exists():
        message = f"{shown} is a link to {path.readlink()}, which can't be followed; write a file"
        raise UserError(invalid, message, field)
    if not path.exists():
        message = f"the container ended without {shown}; {_written(folder)}; write the {what} as that file"
        raise UserError("ContainerWroteNothing", message, field)
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "neither a file nor a folder"
        inside = f" ({_written(path)})" if path.is_dir() else ""
        raise UserError(invalid, f"{shown} is {kind}{inside}; write the {what} itself as this file", field)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(invalid, f"{shown} can't be read: {error.strerror}; make it readable", field) from error


def _written(folder: Path) -> str:
    """Tells the names in a folder, folders with a slash."""
    if not folder.is_dir():
        return "it wrote nothing"
    names = sorted(f"{item.name}/" if item.is_dir() else item.name for item in folder.iterdir())
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"it has {', '.join(names[:10])}{more}" if names else "it wrote nothing"
