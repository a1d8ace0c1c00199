"""Creates the cluster's certificates and kubeconfigs with openssl, once, and keeps them with its other state."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

from .config import API_SERVICE_IP, CONTROL_PLANE_IP, NODES, node_ip, node_name
from .say import CannotRun

_DAYS = "3650"
_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def _openssl(*arguments: str, folder: Path) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"'openssl {arguments[0]}' failed: {done.stderr.strip()[-500:]}")


def _certificate(folder: Path, file: str, subject: str, usage: str, names: str = "") -> None:
    _openssl("req", *_CURVE, "-subj", subject, "-keyout", f"{file}.key", "-out", f"{file}.csr", folder=folder)
    with tempfile.NamedTemporaryFile("w", suffix=".ext") as extensions:
        extensions.write(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        extensions.flush()
        _openssl(
            *("x509", "-req", "-in", f"{file}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", _DAYS, "-out", f"{file}.crt", "-extfile", extensions.name),
            folder=folder,
        )
    (folder / f"{file}.csr").unlink()


def _clients(name: str) -> dict[str, str]:
    """Returns name of the kubeconfig -> subject of its client certificate."""
    return {
        "admin": "/O=system:masters/CN=admin",
        "controllers": "/CN=system:kube-controller-manager",
        "scheduler": "/CN=system:kube-scheduler",
        "proxy": "/CN=system:kube-proxy",
        **{f"kubelet-{n}": f"/O=system:nodes/CN=system:node:{node_name(name, n)}" for n in NODES},
    }


def create(folder: Path, name: str) -> None:
    """Creates every key and certificate in `folder` unless all exist. Raises CannotRun if openssl fails."""
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _openssl(
        *("req", "-x509", *_CURVE, "-days", _DAYS, "-subj", f"/CN={name}-ca", "-keyout", "ca.key", "-out", "ca.crt"),
        folder=folder,
    )
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "service-accounts.key", folder=folder)
    service = "kubernetes.default"
    hosts = ["localhost", "kubernetes", service, f"{service}.svc", f"{service}.svc.cluster.local"]
    addresses = ["127.0.0.1", CONTROL_PLANE_IP, API_SERVICE_IP]
    names = ",".join([f"IP:{ip}" for ip in addresses] + [f"DNS:{host}" for host in hosts])
    _certificate(folder, "apiserver", "/CN=kube-apiserver", "serverAuth", names)
    _certificate(folder, "apiserver-to-kubelet", "/O=system:masters/CN=kube-apiserver", "clientAuth")
    _certificate(folder, "front-proxy", "/CN=front-proxy", "clientAuth")
    for n in NODES:
        subject = f"/O=system:nodes/CN=system:node:{node_name(name, n)}"
        names = f"IP:{node_ip(n)},DNS:{node_name(name, n)}"
        _certificate(folder, f"kubelet-serving-{n}", subject, "serverAuth", names)
    for file, subject in _clients(name).items():
        _certificate(folder, file, subject, "clientAuth")
    (folder / "complete").touch()


def write_kubeconfigs(folder: Path, name: str, port: int) -> None:
    """Writes `<client>.kubeconfig` beside each client's certificate; all name the API on 127.0.0.1.

    The API server listens on the same port inside of the cluster's network and, through a relay, outside of it, so that
    one file works in both places.
    """

    def read(file: str) -> str:
        return base64.b64encode((folder / file).read_bytes()).decode()

    for client in _clients(name):
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": read("ca.crt")}
        user = {"client-certificate-data": read(f"{client}.crt"), "client-key-data": read(f"{client}.key")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": client, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": client}}],
        }
        target = folder / f"{client}.kubeconfig"
        part = target.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps(config, indent=1))  # JSON is YAML
        part.replace(target)
