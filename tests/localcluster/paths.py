"""The folders of a cluster's own state."""

import re
from pathlib import Path

from tests.common.paths import folder
from tests.common.say import CannotRun

HERE = Path(__file__).resolve().parent
DEFAULT_NAME = "modelyard"
# The path is the same inside every node of every cluster, so that manifests may name it.
VOLUMES_IN_NODE = "/var/lib/modelyard/volumes"


def state(name: str) -> Path:
    """Returns the folder of one cluster, in ``$MODELYARD_STATE`` or the user's state folder; ``down`` removes it.

    Raises CannotRun if the name is not allowed.
    """
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", name):
        raise CannotRun(
            f"--name {name!r} can't be a cluster's name: allowed are 1 to 30 lower-case letters, digits and '-',"
            " starting with a letter and not ending with '-'."
        )
    return folder("MODELYARD_STATE", "XDG_STATE_HOME", ".local/state") / name
