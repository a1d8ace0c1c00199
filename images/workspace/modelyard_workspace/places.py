"""Where everything lies in the pod."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelyard_api.wire.task import DATA_FOLDER
from modelyard_api.wire.workspace import PEOPLE_FOLDER, VOLUME


@dataclass(frozen=True)
class Places:
    """``home`` is what people see. What must outlive the pod besides is in ``state``, which they don't."""

    volume: Path = Path(VOLUME)
    people: Path = Path(PEOPLE_FOLDER)
    data: Path = Path(DATA_FOLDER)

    @property
    def home(self) -> Path:
        # It must never change: the history of a document is kept under the file's absolute path.
        return self.volume / "work"

    @property
    def state(self) -> Path:
        return self.volume / ".modelyard"

    @property
    def updates(self) -> Path:
        """The database of all edits, written at each keystroke."""
        return self.state / "ystore.db"

    @property
    def file_ids(self) -> Path:
        """The database that says which file a document of ``updates`` is."""
        return self.state / "file_id.db"

    @property
    def sessions(self) -> Path:
        """By it a browser that was connected to an earlier server is known to a new one."""
        return self.state / "collaboration_sessions.json"

    def prepare(self) -> None:
        """Makes the folders, and a link to the data. Without ``state`` the server starts, but without live edits."""
        for folder in (self.home, self.state):
            folder.mkdir(parents=True, exist_ok=True)
        link = self.home / "data"
        if self.data.is_dir() and not link.exists() and not link.is_symlink():
            link.symlink_to(self.data)
        elif not self.data.is_dir() and link.is_symlink() and link.readlink() == self.data:
            link.unlink()

    def problems(self) -> list[str]:
        """Returns what keeps people from the data."""
        link = self.home / "data"
        if self.data.is_dir() and not (link.is_symlink() and link.readlink() == self.data):
            return [f"~/data is a file or folder of your own, so the datasets are at {self.data} alone; rename it"]
        return []
