"""A minimal Kubernetes client: a GET with the certificates of a kubeconfig, without a kubectl process for each poll."""

import base64
import http.client
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


def cluster_and_user(kubeconfig: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the only cluster and user of a kubeconfig: JSON, or YAML once ``kubectl config`` has changed it."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    return config["clusters"][0]["cluster"], config["users"][0]["user"]


def get(kubeconfig: Path, path: str, timeout: float = 5) -> tuple[int, str]:
    """Returns the HTTP status and body of a GET; status 0 and the reason if nobody answers."""
    try:
        cluster, user = cluster_and_user(kubeconfig)
    except FileNotFoundError as error:
        return 0, str(error)
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pem:  # the ssl module reads these from files only
        pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
        pem.flush()
        context.load_cert_chain(pem.name)
    server = urlsplit(cluster["server"])
    connection = http.client.HTTPSConnection(server.hostname or "", server.port, timeout=timeout, context=context)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def ready_nodes(kubeconfig: Path) -> set[str]:
    """Returns the names of the nodes whose condition Ready is True."""
    status, body = get(kubeconfig, "/api/v1/nodes")
    if status != 200:
        return set()
    return {
        node["metadata"]["name"]
        for node in json.loads(body)["items"]
        for condition in node["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
