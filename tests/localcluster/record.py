"""The record of a cluster between two commands: cluster.json in its folder."""

import json
from dataclasses import asdict, dataclass

from .paths import state, states


@dataclass
class Record:
    """One cluster: its name, its provider, and the API's port on 127.0.0.1; port 0 means that the provider decides."""

    name: str
    provider: str
    port: int = 0

    def save(self) -> None:
        """Writes the record, and replaces an earlier one atomically."""
        folder = state(self.name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / "cluster.json.part"
        part.write_text(json.dumps(asdict(self)))
        part.replace(folder / "cluster.json")


def load(name: str) -> Record | None:
    """Returns the record of that cluster, or None if there is no such cluster."""
    try:
        return Record(**json.loads((state(name) / "cluster.json").read_text()))
    except FileNotFoundError:
        return None


def all_records() -> list[Record]:
    """Returns the records of all clusters."""
    records = (load(path.parent.name) for path in sorted(states().glob("*/cluster.json")))
    return [record for record in records if record]
