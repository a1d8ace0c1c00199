"""The keys of the Secret that a source names, which is mounted as files where only our own program runs."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.wire.redact import redacted
from modelyard_runtime.pod.errors import UserError

FIELD = "spec.source.secretRef"


class Keys:
    """What the files of the folder hold; none without a folder. ``used`` are the keys that somebody has asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        self._texts = {path.name: path.read_text(errors="replace").strip() for path in files if path.is_file()}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def get(self, key: str) -> str | None:
        return self._texts.get(key) or None

    def path(self, key: str) -> Path | None:
        """Returns the file of a key, for libraries that read it themselves."""
        return self.folder / key if self.get(key) else None

    def together(self, *keys: str) -> list[str | None]:
        """Returns the values of keys that belong together. Raises UserError if some are there and others aren't."""
        values = [self.get(key) for key in keys]
        lacking = [key for key, value in zip(keys, values, strict=True) if value is None]
        if lacking and len(lacking) < len(keys):
            there = ", ".join(sorted(self._texts)) or "none"
            message = f"the Secret has no key {lacking[0]!r}, which belongs to the others; it has {there}; add it"
            raise UserError("KeyMissing", message, FIELD)
        return values

    def check(self, allowed: tuple[str, ...], scheme: str) -> None:
        """Raises UserError if there are keys, and none of those that the scheme of the address has."""
        if self._texts and not self._texts.keys() & set(allowed):
            message = (
                f"the Secret has the keys {', '.join(sorted(self._texts))}; for {scheme} it may have "
                f"{', '.join(allowed)}; name them so"
            )
            raise UserError("KeyMissing", message, FIELD)

    def hidden(self, text: str) -> str:
        """Returns a text of another program without what looks like a credential, and without these."""
        secrets = {value for key, value in self._texts.items() if key not in ("endpoint", "region", "ca.crt")}
        return redacted(text, *secrets)
