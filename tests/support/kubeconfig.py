"""Reads a kubeconfig: the address of the API server, and the certificates for requests to it."""

from __future__ import annotations

import base64
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Credentials:
    server: str
    context: ssl.SSLContext


def read(path: Path) -> Credentials:
    """Reads the first cluster and user; certificates may be files beside the kubeconfig, or within it."""
    config = yaml.safe_load(path.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=_pem(path.parent, cluster, "certificate-authority"))
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:  # the ssl module reads these from files only
        pem.write(_pem(path.parent, user, "client-certificate") + "\n" + _pem(path.parent, user, "client-key"))
        pem.flush()
        context.load_cert_chain(pem.name)
    return Credentials(cluster["server"], context)


def _pem(folder: Path, part: dict[str, str], name: str) -> str:
    if name in part:
        return (folder / part[name]).read_text()
    return base64.b64decode(part[f"{name}-data"]).decode()
