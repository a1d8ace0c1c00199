"""A client of OCI registries that can push, with the standard library: importing another one costs seconds."""

from __future__ import annotations

import base64
import json
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode, urljoin

from modelyard_api.fields.artifact import sha256
from modelyard_api.kinds.pipelinesource import Bundle
from modelyard_api.wire.redact import redacted
from modelyard_api.wire.task import PUSH_FOLDER
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.source.pack import MANIFEST_TYPE, Layer

_SECONDS, _MOST_SAID = 120, 65536
CONFIG_FILE = ".dockerconfigjson"


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: the other server would get the registry's password, and be asked by GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _open(request: urllib.request.Request) -> Any:
    tls = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    return urllib.request.build_opener(_Stays, tls).open(request, timeout=_SECONDS)


class Registry:
    """One repository of a registry. Methods raise UserError, whose reason says what may be wrong."""

    def __init__(self, bundle: Bundle, secrets: Path = Path(PUSH_FOLDER)) -> None:
        host, _, name = bundle.repository.partition("/")
        self._host, self._base = host, f"{'http' if bundle.plain_http else 'https'}://{host}/v2/{name}/"
        self._basic = _credentials(secrets / CONFIG_FILE, host) if bundle.secret_ref else None
        self._authorization = f"Basic {self._basic}" if self._basic else None

    def push(self, layers: list[Layer], config: bytes, manifest: bytes, tag: str) -> None:
        """Pushes an image: what the registry has already is not sent again, and the manifest comes last."""
        for layer in layers:
            with layer.file.open("rb") as file:
                self._blob(layer.digest, layer.size, file)
        self._blob(sha256(config), len(config), config)
        self._send("PUT", f"manifests/{tag}", manifest, {"Content-Type": MANIFEST_TYPE})

    def _blob(self, digest: str, size: int, data: bytes | BinaryIO) -> None:
        if self._send("HEAD", f"blobs/{digest}", missing=True) is not None:
            return
        answer = self._send("POST", "blobs/uploads/", b"")
        assert answer is not None
        url = urljoin(self._base, answer["Location"])
        url += f"{'&' if '?' in url else '?'}{urlencode({'digest': digest})}"
        self._send("PUT", url, data, {"Content-Type": "application/octet-stream", "Content-Length": str(size)})

    def _send(
        self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None, missing: bool = False
    ) -> Any:
        """Returns the answer's headers, or None for a 404 if something may be ``missing``."""
        for attempt in (1, 2):
            request = urllib.request.Request(urljoin(self._base, path), data, headers or {}, method=method)
            # A server of blobs that an upload is sent to must not get what was meant for the registry.
            if self._authorization and request.host == self._host:
                request.add_header("Authorization", self._authorization)
            try:
                with _open(request) as answer:
                    return answer.headers
            except urllib.error.HTTPError as error:
                if error.code == 404 and missing:
                    return None
                if method == "HEAD" and 300 <= error.code < 400:
                    return error.headers  # the registry has the blob, and would say where
                if error.code == 401 and attempt == 1 and self._take_token(error.headers.get("WWW-Authenticate", "")):
                    if hasattr(data, "seek"):
                        data.seek(0)
                    continue
                raise self._refused(method, error) from error
            except OSError as error:
                message = f"the registry {self._host} can't be reached: {self._clean(str(error))}"
                raise UserError("RegistryUnavailable", message, "spec.bundle.repository") from error
        raise AssertionError("unreachable")

    def _refused(self, method: str, error: urllib.error.HTTPError) -> UserError:
        body = self._clean(error.read(_MOST_SAID).decode(errors="replace"))
        said = f"{self._host} answers {error.code} to {method}: {body[:300]}"
        if error.code in (401, 403):
            message = f"{said}; name a Secret that may push there in bundle.secretRef"
            return UserError("RegistryUnauthorized", message, "spec.bundle.secretRef")
        return UserError("RegistryUnavailable", said, "spec.bundle.repository")

    def _clean(self, text: str) -> str:
        """Returns what the registry says without what it was told of us."""
        known = [self._basic, (self._authorization or "").partition(" ")[2]]
        plain = base64.b64decode(self._basic).decode(errors="replace") if self._basic else ""
        return redacted(text, *filter(None, [*known, plain, plain.partition(":")[2]]))

    def _take_token(self, challenge: str) -> bool:
        """Takes a token from the server that the registry names, as Docker's protocol has it."""
        scheme, _, rest = challenge.partition(" ")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme.lower() != "bearer" or "realm" not in fields:
            return False
        query = urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
        request = urllib.request.Request(f"{fields['realm']}?{query}")
        if self._basic:
            request.add_header("Authorization", f"Basic {self._basic}")
        try:
            with _open(request) as answer:
                document = json.loads(answer.read(1 << 20))
        except (OSError, ValueError):
            return False
        token = document.get("token") or document.get("access_token")
        self._authorization = f"Bearer {token}"
        return bool(token)


def _credentials(path: Path, host: str) -> str | None:
    """Returns user and password for this host, as basic authorization has them. Raises UserError."""
    try:
        entries = json.loads(path.read_text())["auths"]
        for name, entry in entries.items():
            if name.removeprefix("https://").removeprefix("http://").split("/")[0] == host:
                plain = f"{entry['username']}:{entry['password']}" if "password" in entry else None
                return base64.b64encode(plain.encode()).decode() if plain else str(entry["auth"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        how = "make it with kubectl create secret docker-registry"
        message = f"the Secret has no readable {CONFIG_FILE} ({type(error).__name__}); {how}"
        raise UserError("RegistryUnauthorized", message, "spec.bundle.secretRef") from error
    raise UserError("RegistryUnauthorized", f"the Secret says nothing of {host}; add it", "spec.bundle.secretRef")
