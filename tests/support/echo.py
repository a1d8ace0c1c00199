"""A small HTTP service in a cluster, which answers with its own name and counts its requests."""

from __future__ import annotations

from typing import Any

from tests.support.kube import Kube
from tests.support.pods import RUNTIME

Object = dict[str, Any]

PORT = 8080
PROGRAM = """
import json, os, signal, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
served, lock = 0, threading.Lock()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True
    def do_GET(self):
        global served
        with lock:
            served += self.path.startswith("/ask")
            body = json.dumps({"name": os.environ["NAME"], "served": served}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
class Server(ThreadingHTTPServer):
    request_queue_size = 128
Server(("", 8080), Handler).serve_forever()
"""
"""The server's program: it counts requests below /ask, and every answer has the count."""


def echo(kube: Kube, name: str) -> list[Object]:
    """Returns a Deployment of one pod, and its Service."""
    labels = {"app": name}
    container = {
        "name": "main",
        "image": RUNTIME,
        "command": ["python", "-c", PROGRAM],
        "env": [{"name": "NAME", "value": name}],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {"metadata": {"labels": labels}, "spec": {"securityContext": security, "containers": [container]}}
    metadata = {"name": name, "namespace": kube.namespace}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": pod},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": PORT}]},
        },
    ]


def served(kube: Kube, name: str) -> int:
    """Returns the number of requests below /ask, as the service itself reports it."""
    proxied = f"/api/v1/namespaces/{kube.namespace}/services/{name}:80/proxy/count"
    return int(kube.client.must("GET", proxied)["served"])
