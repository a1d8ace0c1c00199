"""Searches the new lines of the operator's log for defects."""

from __future__ import annotations

import json
import re
from pathlib import Path

_REFUSED = re.compile(r"pass ended early.*?: (400|403|404|405|413|415|422|500) ")
"""A write that the API server always refuses and the operator retries for ever. 409 and 429 are no defects."""
_STATUS_CHANGED = "the API server changed the status that was written"


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = path.stat().st_size if path.exists() else 0
        self._troubles: list[str] = []

    def is_clean(self) -> bool:
        """Returns whether ``troubles`` would return nothing."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            lines = file.read()
        complete = lines.rfind(b"\n") + 1
        self._at += complete
        for line in lines[:complete].decode(errors="replace").splitlines():
            if trouble := trouble_in(line):
                self._troubles.append(trouble)
        return not self._troubles

    def troubles(self) -> list[str]:
        """Returns one text for each defect in the lines since the last call."""
        self.is_clean()
        troubles, self._troubles = self._troubles, []
        return troubles


def trouble_in(line: str) -> str | None:
    """Returns the defect that this line of the log shows, or None."""
    try:
        entry = json.loads(line)
    except ValueError:
        return f"the log has a line that is none of its own: {line[:500]}"
    message, about = (
        entry.get("message", ""),
        f"{entry.get('kind', '?')}/{entry.get('namespace', '?')}/{entry.get('name', '?')}",
    )
    if "exception" in entry:
        return f"traceback: {about}: {message}\n{entry['exception']}"
    if entry.get("level") in ("error", "critical"):
        return f"error in the log: {about}: {message}"
    if _REFUSED.search(message):
        return f"a write is refused for ever: {about}: {message}"
    if _STATUS_CHANGED in message:
        return f"a status that the API server does not keep: {about}: {message}"
    return None
