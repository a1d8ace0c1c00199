"""Files on a volume, or of a ConfigMap, which are read where they are mounted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelyard_runtime.tables.reading.locate import find, is_hidden
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import PIECE, Changed


class Folder:
    def __init__(self, root: Path, path: str, format_: str | None) -> None:
        self.root, self._path, self._format = root, path, format_
        self.is_folder = (root / path).is_dir()
        self.left_out: list[str] = []

    def files(self) -> list[File]:
        found = find(self.root, self._path, self._format)
        if self.is_folder:
            others = {path.name for path in (self.root / self._path).iterdir()} - {path.name for path in found}
            self.left_out = sorted(name for name in others if not is_hidden(name))
        return [self._file(str(path.relative_to(self.root))) for path in found]

    def version(self, file: File) -> str:
        if self._file(file.name) != file:
            raise Changed(file.name)
        return file.state

    def read(self, file: File) -> Iterator[bytes]:
        with (self.root / file.name).open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece

    def _file(self, name: str) -> File:
        try:
            found = (self.root / name).stat()
        except OSError as error:
            raise Changed(name) from error
        return File(name, found.st_size, f"{found.st_ino} {found.st_mtime_ns}", found.st_mtime)
