"""The command line: ``python3 -m tests.localcluster <command> [--name NAME] [--provider PROVIDER]``."""

import argparse
import json
import shlex
import sys

from . import images, network, providers
from .addons import add
from .paths import DEFAULT_NAME, locked
from .say import CannotRun, exit_code, say

_COMMANDS = {
    "up": "start the cluster, or what of it does not run, and wait until it works",
    "down": "remove the cluster and all it holds; caches stay",
    "kill": "kill every process of it at once; 'up' brings it back with its objects, volumes and images",
    "env": "print the exports that let a shell use the cluster",
    "status": "what runs",
    "logs": "the last lines of every daemon's log",
    "images": "build the project's images and bring them to the cluster, where something changed",
    "addon": "add to a cluster that runs: a gateway (Gateway API), its CRDs alone, metrics for autoscaling, a registry",
    "node": "take the power from a node, or give it back (0: the control plane)",
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.localcluster", description="The cluster to run on.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command, text in _COMMANDS.items():
        subparser = commands.add_parser(command, help=text, description=text)
        if command == "node":
            subparser.add_argument("action", choices=("stop", "start"))
            subparser.add_argument("number", type=int, choices=(0, 1, 2))
        if command == "addon":
            subparser.add_argument("addons", nargs="+", choices=add.NAMES, metavar="|".join(add.NAMES))
        if command == "status":
            subparser.add_argument("--json", action="store_true", help="as JSON")
        if command == "logs":
            subparser.add_argument("-n", "--lines", type=int, default=20, help="of each log [20]")
        subparser.add_argument("--name", default=DEFAULT_NAME, help=f"the cluster's name [{DEFAULT_NAME}]")
        subparser.add_argument(
            "--provider",
            choices=("auto", *providers.NAMES),
            default="auto",
            help="auto: what the cluster was made with, else kind where a Docker engine answers, else embedded",
        )
    return parser.parse_args()


def _run(options: argparse.Namespace) -> None:
    network.leave()  # a caller may have entered a cluster's network, which has no host ports and no downloads
    if options.command == "addon":
        add.add(options.name, options.addons, options.provider)
        return
    provider = providers.pick(options.name, options.provider)
    if options.command in ("kill", "env", "logs", "node") and not provider.status()["exists"]:
        raise CannotRun(f"There is no cluster {options.name}; start it with 'up --name {options.name}'.")
    if options.command in ("env", "status", "logs"):
        _show(options, provider)
        return
    if options.command == "images":
        images.build_all(providers.builder(provider))
    with locked(f"cluster-{options.name}"):
        match options.command:
            case "up":
                provider.up()
                say(f"cluster {options.name} is up; 'env' prints what a shell needs")
            case "down":
                provider.down()
            case "kill":
                provider.kill()
            case "images":
                provider.load_images()
            case "node":
                (provider.stop if options.action == "stop" else provider.start)(options.number)


def _show(options: argparse.Namespace, provider: providers.Provider) -> None:
    match options.command:
        case "env":
            for key, value in provider.environment().items():
                print(f"export {key}={shlex.quote(value)}" + (":$PATH" if key == "PATH" else ""))
        case "logs":
            print(provider.logs(options.lines))
        case "status" if options.json:
            print(json.dumps(provider.status(), indent=2))
        case "status":
            for key, value in provider.status().items():
                print(f"{key}: {value}" if key != "nodes" else "\n".join(f"node: {item}" for item in value))


def main() -> int:
    """Runs one command; the exit code is 1 after an error, which is a sentence on stderr."""
    return exit_code(lambda: _run(_arguments()))


if __name__ == "__main__":
    sys.exit(main())
