"""The tokens of the people: a folder with a file for each person, which the kubelet keeps up to date."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def tokens(folder: Path) -> dict[str, str]:
    """Returns person -> the hash of the token. Who has no file, or an empty one, has none.

    The folder is read each time, so that a person is out as soon as the kubelet has taken the file away.
    """
    found = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.name.startswith("."):  # what the kubelet needs to change all files at once
            continue
        try:
            token = file.read_text().strip()
        except (OSError, UnicodeDecodeError):  # it was taken away meanwhile, or is no text
            continue
        if token:
            found[file.name] = hashed(token)
    return found


def owner(token: str, known: dict[str, str]) -> str | None:
    """Returns the first person who has this token, or None."""
    given = hashed(token.strip())
    return next((name for name, hash_ in known.items() if hmac.compare_digest(given, hash_)), None)


def problems(known: dict[str, str]) -> list[str]:
    """Returns who can't be told from another person."""
    first = {hash_: name for name, hash_ in reversed(known.items())}
    same = [(first[hash_], name) for name, hash_ in known.items() if first[hash_] != name]
    return [f"{name} has the same token as {other}, and comes in as {other}; make another one" for other, name in same]
