"""Checks pushes of bundles to a real registry: with a password, and with a certificate of an authority of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from modelyard_api.kinds.pipelinesource import Bundle
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.source import pack
from modelyard_runtime.source.registry import CONFIG_FILE, Registry
from tests.common.ports import free_port
from tests.support.registry import docker_config, registry

NAME, TAG = "acme/churn", "first"


def push(folder: Path, bundle: Bundle) -> str:
    """Pushes a bundle with the Secret in ``folder``, and returns its digest. Raises UserError."""
    (folder / "train.py").write_text("answer = 42\n")
    layer = pack.layer([("src/train.py", folder / "train.py")], folder / "layer.tar.gz")
    config, manifest, digest = pack.image([layer], {"dev.modelyard.commit": "c0ffee"})
    Registry(bundle, folder).push([layer], config, manifest, TAG)
    return digest


class Redirecting(BaseHTTPRequestHandler):
    """A registry that keeps its blobs on another server, as those on S3 do, and that other server."""

    asked: ClassVar[list[tuple[str, str]]] = []
    elsewhere = ""
    host = ""

    def do_HEAD(self) -> None:
        self.asked.append((self.command, self.path))
        if self.elsewhere:
            self.send_response(307)
            self.send_header("Location", f"http://{self.elsewhere}{self.path}?signature=x")
        else:
            self.send_response(403)
        self.end_headers()

    do_GET = do_HEAD

    def do_PUT(self) -> None:
        self.asked.append((self.command, self.path))
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served(**change: Any) -> Iterator[type[Redirecting]]:
    handler = type("Handler", (Redirecting,), {"asked": [], **change})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handler.host = f"127.0.0.1:{server.server_port}"
    try:
        yield handler
    finally:
        server.shutdown()
        server.server_close()


def test_a_registry_whose_blobs_are_elsewhere_has_them_and_no_other_server_is_asked(tmp_path: Path) -> None:
    with served() as other, served(elsewhere=other.host) as ours:
        (tmp_path / CONFIG_FILE).write_text(docker_config(ours.host))
        where = {"repository": f"{ours.host}/{NAME}", "plainHttp": True, "secretRef": {"name": "push"}}
        push(tmp_path, Bundle.model_validate(where))
        assert [method for method, _ in ours.asked] == ["HEAD", "HEAD", "PUT"], "nothing is sent again"
        assert ours.asked[-1][1].endswith(f"/manifests/{TAG}")
        assert other.asked == [], "it would get the password"


def test_a_registry_with_a_password(tmp_path: Path) -> None:
    with registry(tmp_path, f"127.0.0.1:{free_port()}", locked=True) as images:
        where = {"repository": f"{images.host}/{NAME}", "plainHttp": True}
        named = Bundle.model_validate({**where, "secretRef": {"name": "push"}})
        for bundle, secret, says in (
            (Bundle.model_validate(where), docker_config(images.host), "answers 401 to HEAD"),
            (named, docker_config(images.host, password="guessed"), "answers 401 to HEAD"),
            (named, docker_config("other.example.com"), f"the Secret says nothing of {images.host}"),
            (named, "{}", f"the Secret has no readable {CONFIG_FILE} (KeyError)"),
        ):
            (tmp_path / CONFIG_FILE).write_text(secret)
            with pytest.raises(UserError) as caught:
                push(tmp_path, bundle)
            assert (caught.value.reason, caught.value.field) == ("RegistryUnauthorized", "spec.bundle.secretRef")
            assert says in caught.value.message
            assert "guessed" not in caught.value.message
        (tmp_path / CONFIG_FILE).write_text(docker_config(images.host))
        digest = push(tmp_path, named)
        assert images.manifest(NAME, digest) == images.manifest(NAME, TAG)


def test_a_registry_whose_authority_the_image_knows_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*new, *name, "-keyout", str(key), "-out", str(certificate)], check=True)
    with registry(tmp_path, f"127.0.0.1:{free_port()}", tls=(certificate, key)) as images:
        bundle = Bundle.model_validate({"repository": f"{images.host}/{NAME}"})
        with pytest.raises(UserError) as caught:
            push(tmp_path, bundle)
        assert caught.value.reason == "RegistryUnavailable"
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert images.manifest(NAME, push(tmp_path, bundle))["layers"]
