"""MLflow's server in one process: experiments and runs in a database, artifacts through its proxy.

    python serve.py --service modelyard-tracking --namespace modelyard-system
                    [--database-file FILE] [--artifacts DESTINATION]

It replaces ``mlflow server``, which imports everything twice, in a parent and in its worker, and so doubles memory and
the time to start. This module sets the environment that the parent would give its worker; it refuses to start with an
MLflow that reads other names. The URL of a database holds a password, so it comes in a file.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import uuid
from pathlib import Path
from typing import Any

# MLflow reads these when imported. With fewer connections fifty clients at once get errors; SQLite supports as many.
os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "60")
os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW", "60")
# Job execution would start seven more processes for features that are not used.
os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="serve.py", description="The tracking server and artifact store.")
    parser.add_argument("--data", type=Path, default=Path("/var/lib/mlflow"), help="folder of all data [%(default)s]")
    parser.add_argument("--database-file", type=Path, help="file with an SQLAlchemy URL [SQLite in --data]")
    parser.add_argument("--artifacts", help="where artifacts lie, for example s3://bucket/prefix [in --data]")
    parser.add_argument("--service", default="modelyard-tracking", help="the Service before it [%(default)s]")
    parser.add_argument("--namespace", default="modelyard-system", help="that Service's namespace [%(default)s]")
    parser.add_argument(
        "--allowed-host", action="append", default=[], help="one more name that clients use; repeatable"
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on [%(default)s]")
    parser.add_argument("--port", type=int, default=5000, help="port to listen on [%(default)s]")
    return parser.parse_args(given)


def database(options: argparse.Namespace) -> str:
    """Returns the SQLAlchemy URL. Ends the process with a message if the file can't be read or holds no URL."""
    if not options.database_file:
        return f"sqlite:///{options.data.absolute() / 'mlflow.db'}"
    try:
        url = options.database_file.read_text().strip()
    except OSError as error:
        sys.exit(f"--database-file {options.database_file}: {error.strerror}; mount the Secret with the database's URL")
    if "://" not in url:
        sys.exit(
            f"--database-file {options.database_file}: its content is no SQLAlchemy URL, "
            "for example postgresql://user:password@host:5432/mlflow"
        )
    return url


def allowed_hosts(options: argparse.Namespace) -> str:
    """Returns the host names that clients may use, with and without a port; MLflow refuses requests to any other."""
    service = f"{options.service}.{options.namespace}"
    hosts = [options.service, service, f"{service}.svc", f"{service}.svc.cluster.local", *options.allowed_host]
    # MLflow's own default too: for port-forwards, and for the addresses of pods and Services.
    hosts += ["localhost", "127.0.0.1", "10.*", "192.168.*", *(f"172.{second}.*" for second in range(16, 32))]
    return ",".join(variant for host in hosts for variant in (host, f"{host}:*"))


def no_space(request: Any, error: Exception) -> Any:
    """Answers 507 if the volume has no space for an artifact, instead of a 500 that doesn't say why. Re-raises other
    errors."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    from starlette.responses import JSONResponse

    print(f"no space left on the volume: {request.method} {request.url.path}", flush=True)
    message = "No space left on device: enlarge the volume of the tracking server, or delete what is not needed"
    return JSONResponse({"error_code": "TEMPORARILY_UNAVAILABLE", "message": message}, 507)


def main() -> None:
    options = arguments()
    url = database(options)
    if not os.access(options.data, os.W_OK):
        sys.exit(
            f"--data {options.data}: user {os.getuid()} may not write there; mount a volume with fsGroup {os.getgid()}"
        )
    os.chdir(options.data)
    environment = {
        "_MLFLOW_SERVER_FILE_STORE": url,
        "_MLFLOW_SERVER_REGISTRY_STORE": url,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": options.artifacts or str(options.data / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    os.environ |= environment | {
        "MLFLOW_SERVER_ALLOWED_HOSTS": allowed_hosts(options),
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex,
    }

    # Import only now: MLflow reads its environment when imported, and importing takes seconds.
    import uvicorn
    from mlflow.server import constants
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    if unknown := environment.keys() - {value for value in vars(constants).values() if isinstance(value, str)}:
        sys.exit(f"this MLflow does not read {', '.join(sorted(unknown))}: serve.py is for another version")
    print("opening the database", flush=True)
    # Creates or migrates the schema before any client connects: else many clients at once would do it.
    initialize_backend_stores(url, url, "mlflow-artifacts:/")
    app.add_exception_handler(OSError, no_space)
    print(f"serving on {options.host}:{options.port}", flush=True)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        access_log=False,
        timeout_graceful_shutdown=20,
    )


if __name__ == "__main__":
    main()
