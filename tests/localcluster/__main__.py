"""The command line: ``python3 -m tests.localcluster <command> [--name NAME]``."""

import argparse
import shlex
import sys

from tests.common.say import exit_code, say

from . import access, cluster, engine, images, install, kind, kwok
from .addons import add
from .paths import DEFAULT_NAME

_COMMANDS = {
    "up": "start the cluster, or what of it does not run, and wait until it works",
    "down": "remove the cluster and all it holds; caches stay",
    "env": "print the exports that let a shell use the cluster",
    "logs": "the logs of the nodes, in a folder",
    "install": "build the images and install Modelyard; run again, it changes only what is not as it should be",
    "images": "build the project's images and bring them to the cluster, where something changed",
    "addon": "add to a cluster that runs: a gateway (Gateway API), its CRDs alone, metrics for autoscaling, a registry",
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.localcluster", description="The cluster to run on.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command, text in _COMMANDS.items():
        subparser = commands.add_parser(command, help=text, description=text)
        if command == "up":
            subparser.add_argument("--played", action="store_true", help="a control plane whose nodes KWOK plays")
        if command == "addon":
            subparser.add_argument("addons", nargs="+", choices=add.NAMES, metavar="|".join(add.NAMES))
        subparser.add_argument("--name", default=DEFAULT_NAME, help=f"the cluster's name [{DEFAULT_NAME}]")
    return parser.parse_args()


def _run(options: argparse.Namespace) -> None:
    access.leave()  # a caller may have entered a cluster's network, which has no host ports
    name = options.name
    if options.command not in ("up", "install", "down", "images"):
        kind.require(name)
    match options.command:
        case "up" if options.played or kind.played(name):
            kwok.up(name)
        case "up":
            cluster.up(name)
            say(f"cluster {name} is up; 'env' prints what a shell needs")
        case "install":
            install.install(name)
        case "env":
            print(f"export KUBECONFIG={shlex.quote(str(kind.kubeconfig(name)))}")
            if engine.private():
                print(f"export DOCKER_HOST={shlex.quote(engine.environment()['DOCKER_HOST'])}")
            print(f"export PATH={shlex.quote(kind.kubectl_program()[0].rpartition('/')[0])}:$PATH")
        case "logs":
            print(kind.logs(name))
        case "images":
            built = images.build()
            if kind.exists(name) and not kind.played(name):
                images.load(name, map(images.reference, built))
        case "addon":
            add.add(name, options.addons)
        case "down":
            kind.down(name)


def main() -> int:
    """Runs one command; the exit code is 1 after an error, which is a sentence on stderr."""
    return exit_code(lambda: _run(_arguments()))


if __name__ == "__main__":
    sys.exit(main())
