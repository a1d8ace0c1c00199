"""The operator's log, as far as it was not read yet: what in it is a defect."""

from __future__ import annotations

import json
import re
from pathlib import Path

_REFUSED = re.compile(r"pass ended early.*?: (400|403|404|405|413|415|422|500) ")
"""A write that the API server will never take, tried again for ever. 409 and 429 are no defects."""
_ODD = "the API server changed the status that was written"


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = path.stat().st_size if path.exists() else 0
        self._found: list[str] = []

    def is_clean(self) -> bool:
        """Whether there is nothing that ``troubles`` would say."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            lines = file.read()
        whole = lines.rfind(b"\n") + 1
        self._at += whole
        for line in lines[:whole].decode(errors="replace").splitlines():
            if trouble := trouble_in(line):
                self._found.append(trouble)
        return not self._found

    def troubles(self) -> list[str]:
        """One text for each defect in the lines since the last call."""
        self.is_clean()
        found, self._found = self._found, []
        return found


def trouble_in(line: str) -> str | None:
    """What is wrong by this line of the log."""
    try:
        said = json.loads(line)
    except ValueError:
        return f"the log has a line that is none of its own: {line[:500]}"
    message, about = (
        said.get("message", ""),
        f"{said.get('kind', '?')}/{said.get('namespace', '?')}/{said.get('name', '?')}",
    )
    if "exception" in said:
        return f"traceback: {about}: {message}\n{said['exception']}"
    if said.get("level") in ("error", "critical"):
        return f"error in the log: {about}: {message}"
    if _REFUSED.search(message):
        return f"a write is refused for ever: {about}: {message}"
    if _ODD in message:
        return f"a status that the API server does not keep: {about}: {message}"
    return None
