"""``python -m modelyard_workspace``: ``serve`` is the entrypoint of the pod, ``recover`` is a part of it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from modelyard_api.wire.task import DATA_FOLDER
from modelyard_api.wire.workspace import PEOPLE_FOLDER, VOLUME
from modelyard_workspace.places import Places


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="modelyard_workspace", description=__doc__)
    parser.add_argument("command", choices=("serve", "recover"))
    parser.add_argument("--volume", type=Path, default=Path(VOLUME), help=f"what outlives the pod [{VOLUME}]")
    parser.add_argument("--people", type=Path, default=Path(PEOPLE_FOLDER), help=f"the tokens [{PEOPLE_FOLDER}]")
    parser.add_argument("--data", type=Path, default=Path(DATA_FOLDER), help=f"the datasets [{DATA_FOLDER}]")
    parser.add_argument("--port", type=int, default=8888, help="of JupyterLab [8888]")
    parser.add_argument("--health-port", type=int, default=8080, help="of what the kubelet and the operator ask [8080]")
    options = parser.parse_args(arguments)
    places = Places(options.volume, options.people, options.data)
    if options.command == "serve":
        from modelyard_workspace.serve import serve

        return serve(places, options.port, options.health_port)
    from modelyard_workspace.recover import recover

    recover(places)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
