"""The servers, each as its own documentation starts it, with one process that predicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.harness.bench.serving import bodies
from tests.harness.bench.serving.models import Made
from tests.localcluster.paths import REPO
from tests.localcluster.say import run
from tests.support.ports import free_port
from tests.support.venvs import python_with

HERE = Path(__file__).resolve().parent
OURS, ECHO, PLAIN = "modelyard", "echo", "unobserved"
Body = Callable[[Made, bodies.Rows], bodies.Body]


@dataclass(frozen=True)
class Server:
    """``start`` gives the command line for a model, a port and an empty folder. ``{size}`` in ``path`` is the number of
    bytes that our server answers."""

    name: str
    start: Callable[[Made, int, Path], list[str]]
    ready: str = "/v2/models/m/ready"
    path: str = "/v2/models/m/infer"
    body: Body = bodies.v2


def known() -> dict[str, Server]:
    """All of them, ours first."""
    made = [
        Server(OURS, _ours),
        Server(ECHO, _echo, "/0", "/{size}"),
        Server("mlserver", _mlserver),
        Server("kserve", _kserve),
        Server("mlflow", _mlflow, "/ping", "/invocations", bodies.invocations),
    ]
    if unobserved := _switch():
        made.insert(1, Server(PLAIN, lambda *given: [*_ours(*given), unobserved]))
    return {server.name: server for server in made}


def environment(program: Path) -> dict[str, str]:
    """As if the program's virtual environment was activated; no other settings for Python or the peers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW", "MLSERVER"))}
    return kept | {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def _switch() -> str | None:
    """The option that turns the sketches off, where this server has one."""
    told = run([sys.executable, "-m", "modelyard_server", "serve", "--help"])
    return "--no-sketches" if "--no-sketches" in told else None


def _ours(made: Made, port: int, folder: Path) -> list[str]:
    argv = [sys.executable, "-m", "modelyard_server", "serve", "--model-dir", str(made.folder), "--name", "m"]
    argv += ["--model-version", "1", "--host", "127.0.0.1", "--port", str(port), "--drain-seconds", "0"]
    return [*argv, "--termination-log", str(folder / "termination")]


def _echo(made: Made, port: int, folder: Path) -> list[str]:
    return [sys.executable, str(HERE / "echo.py"), str(port)]


def _mlserver(made: Made, port: int, folder: Path) -> list[str]:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        # No worker process beside the server's own: on one core that is the quicker of the two.
        "parallel_workers": 0,
    }
    model = {
        "name": "m",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(made.estimator)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    python = python_with("mlserver", HERE / "peers" / "mlserver.txt")
    return [str(python.with_name("mlserver")), "start", str(folder)]


def _kserve(made: Made, port: int, folder: Path) -> list[str]:
    python = python_with("kserve", HERE / "peers" / "kserve.txt")
    argv = [str(python), str(HERE / "peers" / "kserve_server.py"), "--model_dir", str(made.estimator.parent)]
    return [*argv, "--model_name", "m", "--http_port", str(port), "--enable_grpc", "false", "--workers", "1"]


def _mlflow(made: Made, port: int, folder: Path) -> list[str]:
    python = python_with("tracking", REPO / "images" / "tracking" / "requirements.txt")
    saver = HERE / "peers" / "mlflow_save.py"
    model = folder / "model"
    subprocess.run([str(python), str(saver), str(made.estimator), str(model)], check=True, capture_output=True)
    argv = [str(python.with_name("mlflow")), "models", "serve", "-m", str(model), "--env-manager", "local"]
    return [*argv, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
