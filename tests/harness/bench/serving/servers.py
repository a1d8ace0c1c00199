"""The compared servers, each started as its own documentation says, with one process that predicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.common.paths import REPO
from tests.common.ports import free_port
from tests.common.say import run
from tests.harness.bench.serving import bodies
from tests.harness.bench.serving.models import BenchModel
from tests.support.venvs import python_with

HERE = Path(__file__).resolve().parent
OURS, ECHO, PLAIN = "modelyard", "echo", "unobserved"
Body = Callable[[BenchModel, bodies.Rows], bodies.Body]


@dataclass(frozen=True)
class Server:
    """``start`` returns the command line for a model, a port and an empty folder. ``{size}`` in ``path`` stands for the
    number of bytes that our server answers."""

    name: str
    start: Callable[[BenchModel, int, Path], list[str]]
    ready: str = "/v2/models/m/ready"
    path: str = "/v2/models/m/infer"
    body: Body = bodies.v2


def known() -> dict[str, Server]:
    """Returns all servers by name, ours first."""
    servers = [
        Server(OURS, _ours),
        Server(ECHO, _echo, "/0", "/{size}"),
        Server("mlserver", _mlserver),
        Server("kserve", _kserve),
        Server("mlflow", _mlflow, "/ping", "/invocations", bodies.invocations),
    ]
    if unobserved := _switch():
        servers.insert(1, Server(PLAIN, lambda *args: [*_ours(*args), unobserved]))
    return {server.name: server for server in servers}


def environment(program: Path) -> dict[str, str]:
    """Returns an environment as if the program's virtual environment was active, without other settings for Python or
    the peers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW", "MLSERVER"))}
    return kept | {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def _switch() -> str | None:
    """Returns the option that turns the sketches off, or None if this server has no such option."""
    text = run([sys.executable, "-m", "modelyard_server", "serve", "--help"])
    return "--no-sketches" if "--no-sketches" in text else None


def _ours(model: BenchModel, port: int, folder: Path) -> list[str]:
    argv = [sys.executable, "-m", "modelyard_server", "serve", "--model-dir", str(model.folder), "--name", "m"]
    argv += ["--model-version", "1", "--host", "127.0.0.1", "--port", str(port), "--drain-seconds", "0"]
    return [*argv, "--termination-log", str(folder / "termination")]


def _echo(model: BenchModel, port: int, folder: Path) -> list[str]:
    return [sys.executable, str(HERE / "echo.py"), str(port)]


def _mlserver(model: BenchModel, port: int, folder: Path) -> list[str]:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        # Start no worker process beside the server's own, because that is faster on one core.
        "parallel_workers": 0,
    }
    model_settings = {
        "name": "m",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(model.estimator)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model_settings))
    python = python_with("mlserver", HERE / "peers" / "mlserver.txt")
    return [str(python.with_name("mlserver")), "start", str(folder)]


def _kserve(model: BenchModel, port: int, folder: Path) -> list[str]:
    python = python_with("kserve", HERE / "peers" / "kserve.txt")
    argv = [str(python), str(HERE / "peers" / "kserve_server.py"), "--model_dir", str(model.estimator.parent)]
    return [*argv, "--model_name", "m", "--http_port", str(port), "--enable_grpc", "false", "--workers", "1"]


def _mlflow(model: BenchModel, port: int, folder: Path) -> list[str]:
    python = python_with("tracking", REPO / "images" / "tracking" / "requirements.txt")
    saver = HERE / "peers" / "mlflow_save.py"
    saved = folder / "model"
    subprocess.run([str(python), str(saver), str(model.estimator), str(saved)], check=True, capture_output=True)
    argv = [str(python.with_name("mlflow")), "models", "serve", "-m", str(saved), "--env-manager", "local"]
    return [*argv, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
