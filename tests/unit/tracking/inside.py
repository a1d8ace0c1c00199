"""The image's app with made-up identities, run by its own interpreter: ``python -m tests.unit.tracking.inside``.

Everything is real but the API server: MLflow, its database, the guard before it, uvicorn. A token is one of
``tokens.made``, with the annotations of its pod. The next port has the same app with another kind of store. The routes
of MLflow's app are written into a file first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from typing import Any

import uvicorn

from modelyard_tracking.__main__ import guarded, mlflow_app
from modelyard_tracking.identity import Identities
from modelyard_tracking.options import arguments, database
from modelyard_tracking.uploads import Uploads
from tests.unit.tracking.tokens import claims_of


class Believes:
    """Takes a token at its word."""

    def __init__(self) -> None:
        self._annotations: dict[str, dict[str, str]] = {}

    async def review(self, token: str) -> dict[str, Any]:
        claims = claims_of(token)
        self._annotations[claims["pod"]] = claims.get("annotations") or {}
        extra = {
            "authentication.kubernetes.io/pod-name": [claims["pod"]],
            "authentication.kubernetes.io/pod-uid": ["u"],
        }
        user = {"username": claims["user"], "extra": extra}
        return {"authenticated": True, "audiences": ["modelyard"], "user": user}

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        metadata = {"uid": "u", "annotations": self._annotations[name]}
        return {"metadata": metadata, "status": {"phase": "Running"}}


class Other:
    """A store that the guard doesn't know as one of files, with what it asks of any store."""

    def __init__(self, files: Any) -> None:
        self.list_artifacts, self.log_artifact = files.list_artifacts, files.log_artifact
        self.download_artifacts = files.download_artifacts


def routes(app: Any) -> list[str]:
    """Returns a path of each route, of FastAPI's own and of the Flask app below it."""
    from fastapi.routing import iter_route_contexts
    from mlflow.server import app as flask_app

    native = [path for route in iter_route_contexts(app.routes) if (path := route.path)]
    mounted = [rule.rule for rule in flask_app.url_map.iter_rules()]
    return sorted({re.sub(r"\{[^}]*\}|<[^>]*>", "x", path) for path in (*native, *mounted)})


async def serve(app: Any, options: argparse.Namespace) -> None:
    from mlflow.server.handlers import _get_artifact_repo_mlflow_artifacts as files

    identities = Identities(Believes(), options.operator_user)
    first, second = guarded(app, options), guarded(app, options)
    first._identities = second._identities = identities
    second._uploads = Uploads(options.data / "others", lambda: Other(files()), options.file_bytes)
    config = {"host": options.host, "access_log": False, "proxy_headers": False}
    servers = [
        uvicorn.Server(uvicorn.Config(guard, port=options.port + at, **config))
        for at, guard in enumerate((first, second))
    ]
    await asyncio.gather(*(server.serve() for server in servers))


def main() -> None:
    options = arguments(sys.argv[1:])
    os.chdir(options.data)
    app = mlflow_app(options, database(options))
    (options.data / "routes.json").write_text(json.dumps(routes(app)))
    asyncio.run(serve(app, options))


if __name__ == "__main__":
    main()
