"""``python -m tests.supply.reproduce`` builds images twice from nothing, and fails if they differ by a single byte.

Both builds begin at the same base image. All times in an image are those of its commit in a release, and 0 here.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

from tests.common.paths import cache
from tests.common.say import CannotRun, exit_code, run, run_slow
from tests.localcluster.images import dockerfiles
from tests.supply.buildah import Buildah


@dataclass(frozen=True)
class Built:
    digest: str
    layers: tuple[str, ...]


def build(image: str, name: str) -> Built:
    """Builds an image without any cache, and removes it from the storage again."""
    buildah, tag = Buildah(), f"localhost/modelyard/{name}-{image}:reproduce"
    command = buildah.build_command(image, buildah.base(), tag, "--no-cache", "--timestamp", "0")
    run_slow(f"{image}, {name} time", command, cache() / "log" / f"reproduce-{name}-{image}.log")
    found = json.loads(run([*buildah.argv, "inspect", "--type", "image", tag]))
    run([*buildah.argv, "rmi", tag])
    return Built(found["FromImageDigest"], tuple(found["OCIv1"]["rootfs"]["diff_ids"]))


def compared(image: str, first: Built, second: Built) -> str:
    """Returns the digest of both. Raises CannotRun with the first layer that differs."""
    if first.digest == second.digest:
        return first.digest
    pairs = enumerate(zip(first.layers, second.layers, strict=False), start=1)
    where = next((f"layer {n}" for n, (one, other) in pairs if one != other), "the configuration")
    raise CannotRun(f"{image} differs between two builds, first in {where}: {first.digest} and {second.digest}")


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.supply.reproduce", description=__doc__)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="these only [all]")
    for image in parser.parse_args().images or list(dockerfiles()):
        print(f"{image}: {compared(image, build(image, 'first'), build(image, 'second'))}", flush=True)


if __name__ == "__main__":
    sys.exit(exit_code(_main))
