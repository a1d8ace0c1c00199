"""MLflow's server in one process, behind the guard: experiments and runs in a database, artifacts through its proxy.

    python -m modelyard_tracking --service modelyard-tracking --namespace modelyard-system
                                 [--database-file FILE] [--artifacts DESTINATION]

It replaces ``mlflow server``, which imports everything twice, in a parent and in its worker, and so doubles memory and
the time to start. This module sets the environment that the parent would give its worker; it refuses to start with an
MLflow that reads other names. The URL of a database holds a password, so it comes in a file.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from typing import Any

from modelyard_api.wire.rights import ROOT
from modelyard_tracking.answers import NO_SPACE
from modelyard_tracking.options import allowed_hosts, arguments, database
from modelyard_tracking.uploads import FULL, Uploads

DEFAULTS = {
    # With fewer connections fifty clients at once get errors; SQLite supports as many.
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "60",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "60",
}
ALWAYS = {
    # Job execution would start seven more processes for features that are not used.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "_MLFLOW_SGI_NAME": "uvicorn",
}


def environment(options: argparse.Namespace, url: str) -> dict[str, str]:
    """Returns what the parent of ``mlflow server`` would give its worker."""
    return {
        "_MLFLOW_SERVER_FILE_STORE": url,
        "_MLFLOW_SERVER_REGISTRY_STORE": url,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": options.artifacts or str(options.data / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }


def no_space(request: Any, error: Exception) -> Any:
    """Answers 507 if the volume has no space for an artifact, instead of a 500 that doesn't say why. Re-raises other
    errors."""
    if not isinstance(error, OSError) or error.errno not in FULL:
        raise error
    from starlette.responses import JSONResponse

    print(f"no space left on the volume: {request.method} {request.url.path}", flush=True)
    return JSONResponse({"error_code": "TEMPORARILY_UNAVAILABLE", "message": NO_SPACE}, 507)


def mlflow_app(options: argparse.Namespace, url: str) -> Any:
    """Returns MLflow's own app, with its database open. Ends the process if this MLflow is for another version."""
    given = environment(options, url)
    os.environ |= DEFAULTS | dict(os.environ) | ALWAYS | given
    os.environ |= {"MLFLOW_SERVER_ALLOWED_HOSTS": allowed_hosts(options), "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex}

    # Import only now: MLflow reads its environment when imported, and importing takes seconds.
    from mlflow.server import constants
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    if unknown := given.keys() - {value for value in vars(constants).values() if isinstance(value, str)}:
        sys.exit(f"this MLflow does not read {', '.join(sorted(unknown))}: it is of another version")
    print("opening the database", flush=True)
    # Creates or migrates the schema before any client connects: else many clients at once would do it.
    initialize_backend_stores(url, url, "mlflow-artifacts:/")
    app.add_exception_handler(OSError, no_space)
    return app


def guarded(app: Any, options: argparse.Namespace) -> Any:
    """Returns the app behind its guard."""
    from mlflow.server import handlers

    from modelyard_tracking.guard import Guard
    from modelyard_tracking.identity import Identities
    from modelyard_tracking.kubernetes import Kubernetes
    from modelyard_tracking.lookup import Lookup
    from modelyard_tracking.shares import Shares

    identities = Identities(Kubernetes(options.service_account), options.operator_user)
    root = options.data / "artifacts" / ROOT
    shares = None if options.artifacts else Shares(root, options.namespace_bytes, options.namespace_files)
    repository = handlers._get_artifact_repo_mlflow_artifacts
    uploads = Uploads(options.data / "uploads", repository, options.file_bytes, shares)
    return Guard(app, identities, Lookup(handlers._get_tracking_store), uploads)


def main() -> None:
    options = arguments()
    url = database(options)
    if not os.access(options.data, os.W_OK):
        sys.exit(
            f"--data {options.data}: user {os.getuid()} may not write there; mount a volume with fsGroup {os.getgid()}"
        )
    os.chdir(options.data)
    app = guarded(mlflow_app(options, url), options)

    import uvicorn

    print(f"serving on {options.host}:{options.port}", flush=True)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        access_log=False,
        timeout_graceful_shutdown=20,
        # The guard trusts the address of the peer: no header may change it.
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
