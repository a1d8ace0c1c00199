"""The base image of the Dockerfiles: python:3.11-slim, or a substitute where it can't be pulled."""

import hashlib
import subprocess
import tempfile

from tests.common.paths import cache, locked
from tests.common.say import CannotRun, run_slow, say

from . import engine, machine

IMAGE = "python:3.11-slim"
MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=apt",
    "--include=python3-minimal,python3-venv,ca-certificates",
    "bookworm",
)
CHANGE = ("--change", "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
KEY = hashlib.sha256(" ".join((*MMDEBSTRAP, *CHANGE)).encode()).hexdigest()[:16]
_SUBSTITUTE = f"localhost/modelyard/base:{KEY}"


def exists(image: str) -> bool:
    """Returns whether the engine has the image."""
    argv = ["docker", "image", "inspect", image]
    return subprocess.run(argv, env=engine.environment(), capture_output=True, check=False).returncode == 0


def pulled(image: str, otherwise: str) -> bool:
    """Returns whether the engine has the image, or can pull it and has no image of the name ``otherwise`` yet."""
    if exists(image) or exists(otherwise):
        return exists(image)
    try:
        run_slow(f"pulling {image}", ["docker", "pull", image], cache() / "log/pull.log", env=engine.environment())
    except CannotRun as problem:
        say(f"{image} can't be pulled, so a substitute is built: {str(problem).splitlines()[-1]}")
    return exists(image)


def image() -> str:
    """Returns the name of the base image, after the engine has it; a substitute takes a minute the first time."""
    return IMAGE if pulled(IMAGE, _SUBSTITUTE) else substitute()


def substitute() -> str:
    """Returns the name of the substitute: Debian with a python3 that can make virtual environments."""
    with locked("base"):
        if not exists(_SUBSTITUTE):
            machine.install("mmdebstrap", "mmdebstrap")
            say("making a base image from Debian's packages")
            with tempfile.NamedTemporaryFile(prefix="modelyard-base-", suffix=".tar") as file:
                run_slow("base", [*MMDEBSTRAP, file.name], cache() / "log/image-base.log")
                engine.docker("import", *CHANGE, file.name, _SUBSTITUTE)
    return _SUBSTITUTE
