"""The command line, and what follows from it."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from modelyard_tracking.kubernetes import FOLDER

FILE_BYTES = 20 * 1024**3
NAMESPACE_FILES = 1_000_000


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="modelyard_tracking", description="The tracking server and artifact store.")
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
    parser.add_argument(
        "--operator-user", help="the operator's user name [modelyard-operator's, a service account of --namespace]"
    )
    parser.add_argument(
        "--file-bytes", type=int, default=FILE_BYTES, help="longest file that a pod may upload [%(default)s]"
    )
    parser.add_argument(
        "--namespace-bytes",
        type=int,
        help="most that pods of one namespace may keep in a store of files [four fifths of its volume]",
    )
    parser.add_argument(
        "--namespace-files", type=int, default=NAMESPACE_FILES, help="the same as a number of files [%(default)s]"
    )
    parser.add_argument(
        "--service-account", type=Path, default=FOLDER, help="folder with token and ca.crt [%(default)s]"
    )
    options = parser.parse_args(given)
    if options.namespace_bytes is None and options.data.exists():
        options.namespace_bytes = shutil.disk_usage(options.data).total * 4 // 5
    options.operator_user = options.operator_user or f"system:serviceaccount:{options.namespace}:modelyard-operator"
    return options


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
    return str(url)


def allowed_hosts(options: argparse.Namespace) -> str:
    """Returns the host names that clients may use, with and without a port; MLflow refuses requests to any other."""
    service = f"{options.service}.{options.namespace}"
    hosts = [options.service, service, f"{service}.svc", f"{service}.svc.cluster.local", *options.allowed_host]
    # MLflow's own default too: for port-forwards, and for the addresses of pods and Services.
    hosts += ["localhost", "127.0.0.1", "10.*", "192.168.*", *(f"172.{second}.*" for second in range(16, 32))]
    return ",".join(variant for host in hosts for variant in (host, f"{host}:*"))
