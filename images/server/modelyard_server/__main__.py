"""``python -m modelyard_server fetch ...`` and ``... serve ...``: the two containers of a serving pod. In a pool's pods
``... fetcher ...`` runs beside the server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from modelyard_server.say import TERMINATION_LOG


def _rate(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share from 0 to 1")
    return value


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    cli = argparse.ArgumentParser(prog="modelyard_server", description=__doc__)
    commands = cli.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="bring the model, by its digest")
    fetch.add_argument("--uri", required=True, help="the model's folder: mlflow-artifacts:/...")
    fetch.add_argument("--digest", required=True, help="sha256:... of its model.json")
    fetch.add_argument("--tracking-url", required=True, help="http://... of the store")
    fetch.add_argument("--to", type=Path, default=Path("/modelyard/model"), help="the folder to write")
    fetch.add_argument("--give-up-after", type=float, default=120.0, help="seconds without an answer [120]")
    fetcher = commands.add_parser("fetcher", help="fetch the models that a server beside it asks for")
    fetcher.add_argument("--repository", type=Path, required=True, help="where NAME/VERSION go")
    fetcher.add_argument("--tracking-url", required=True, help="http://... of the store")
    fetcher.add_argument("--socket", type=Path, required=True, help="the Unix socket at which it is asked")
    fetcher.add_argument("--give-up-after", type=float, default=30.0, help="seconds without an answer [30]")
    serve = commands.add_parser("serve", help="answer the Open Inference Protocol V2")
    serve.add_argument("--model-dir", type=Path, default=Path("/modelyard/model"), help="what fetch wrote")
    serve.add_argument("--name", help="the model's name in the protocol")
    serve.add_argument("--model-version", help="the number of its version")
    serve.add_argument("--repository", type=Path, help="serve NAME/VERSION/model.json below it, not one model")
    serve.add_argument("--catalogue", type=Path, help="bring the models that this file lists into --repository")
    serve.add_argument("--fetcher", type=Path, help="the Unix socket of the container that fetches, for --catalogue")
    serve.add_argument("--memory-budget", type=int, default=0, help="bytes for the repository's models [no limit]")
    serve.add_argument("--host", default="0.0.0.0", help="the address to listen on [0.0.0.0]")
    serve.add_argument("--port", type=int, default=8080, help="the port, with /metrics on it too [8080]")
    serve.add_argument("--grpc-port", type=int, default=0, help="the port of gRPC [0: none]")
    serve.add_argument("--threads", type=int, default=1, help="threads for one prediction [1]")
    serve.add_argument("--drain-seconds", type=float, default=3.0, help="answer so long after SIGTERM [3]")
    serve.add_argument("--body-seconds", type=float, default=10.0, help="wait so long for a request's bytes [10]")
    serve.add_argument("--no-sketches", action="store_true", help="keep no sketches of inputs and outputs")
    serve.add_argument(
        "--log-sample-rate", type=_rate, default=0.0, help="share of predictions to log whole, 0 to 1 [0]"
    )
    serve.add_argument("--log-dir", type=Path, default=Path("/modelyard/log"), help="where their Parquet files go")
    serve.add_argument(
        "--log-bytes", type=int, default=256 * 1024 * 1024, help="files beyond it go, oldest first [256 MiB]"
    )
    for command in (fetch, serve):
        command.add_argument("--termination-log", type=Path, default=TERMINATION_LOG, help="where the last words go")
    return cli


def main() -> int:
    """Runs the command and returns its exit code: 2 means that trying again can't help."""
    arguments = parser().parse_args()
    if arguments.command == "serve" and not arguments.repository and not (arguments.name and arguments.model_version):
        parser().error("serve needs --name and --model-version, or --repository")
    if arguments.command == "serve" and arguments.catalogue and not (arguments.repository and arguments.fetcher):
        parser().error("--catalogue needs --repository and --fetcher")
    if arguments.command == "fetch":
        from modelyard_server.fetch import fetch

        return fetch(
            arguments.uri,
            arguments.digest,
            arguments.tracking_url,
            arguments.to,
            give_up_after=arguments.give_up_after,
            termination_log=arguments.termination_log,
        )
    if arguments.command == "fetcher":
        from modelyard_server.fetcher import run

        return run(arguments.socket, arguments.repository, arguments.tracking_url, arguments.give_up_after)
    import asyncio

    from modelyard_server.observe.payload import PayloadLog
    from modelyard_server.server import leave, serve

    rate = arguments.log_sample_rate
    payloads = PayloadLog(arguments.log_dir, rate, arguments.log_bytes) if rate > 0 else None

    code = asyncio.run(
        serve(
            arguments.model_dir,
            arguments.name,
            arguments.model_version,
            repository=arguments.repository,
            catalogue=arguments.catalogue,
            fetcher=arguments.fetcher,
            memory_budget=arguments.memory_budget,
            host=arguments.host,
            port=arguments.port,
            grpc_port=arguments.grpc_port,
            threads=arguments.threads,
            drain_seconds=arguments.drain_seconds,
            body_seconds=arguments.body_seconds,
            observed=not arguments.no_sketches,
            payloads=payloads,
            termination_log=arguments.termination_log,
        )
    )
    leave(code)


if __name__ == "__main__":
    sys.exit(main())
