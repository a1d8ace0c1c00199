"""The artifact store: holds bytes at URIs, written once by digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelyard_api.fields.artifact import SCHEME, canonical, digest_of, http_url, sha256
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.web import Unavailable, Web, nothing_there, quoted


class Conflict(UserError):
    """Other bytes are there already, which nobody may overwrite."""

    def __init__(self, uri: str) -> None:
        message = f"{uri} holds other bytes, which nobody may overwrite; have who runs the installation delete them"
        super().__init__("ArtifactConflict", message)


class ArtifactStore:
    def __init__(self, web: Web) -> None:
        self.web = web

    def get(self, uri: str) -> bytes | None:
        """Returns the bytes, or None if there are none. Raises Unavailable, or UserError for an invalid URI."""
        try:
            status, data = self.web.request("GET", http_url(self.web.base, uri))
        except ValueError as error:
            raise UserError("InvalidURI", str(error)) from error
        if nothing_there(status, data):
            return None
        if status != 200:
            raise Unavailable(f"GET {uri}: {status} {quoted(data, 200)}")
        return data

    def read(self, uri: str, digest: str | None = None) -> bytes:
        """Returns the bytes. Raises UserError if there are none, or if they have another digest."""
        data = self.get(uri)
        if data is None:
            raise _nothing(uri)
        if digest is not None and sha256(data) != digest:
            raise _other(uri, sha256(data), digest)
        return data

    def put(self, uri: str, data: bytes | Path) -> None:
        """Writes the bytes, or those of a file piece by piece; writing the same again is fine.

        Raises Conflict if other bytes are there, UserError if the namespace or a file may not have so much, and
        Unavailable.
        """
        status, answer = self.web.request("PUT", http_url(self.web.base, uri), data)
        if status == 409:
            raise Conflict(uri)
        if status == 413:
            raise UserError("StorageLimitReached", f"{uri} can't be kept: {_said(answer)}; ask for more, or keep less")
        if status != 200:
            raise Unavailable(f"PUT {uri}: {status} {quoted(answer, 200)}")

    def fetch(self, uri: str, path: Path, digest: str | None = None) -> None:
        """Writes the bytes into a file, piece by piece. Raises UserError if there are none, or if they have another
        digest, or Unavailable."""
        status, data = self.web.request("GET", http_url(self.web.base, uri), to=path)
        if nothing_there(status, data):
            raise _nothing(uri)
        if status != 200:
            raise Unavailable(f"GET {uri}: {status} {quoted(data, 200)}")
        if digest is not None and digest_of(path) != digest:
            raise _other(uri, digest_of(path), digest)

    def put_first(self, uri: str, data: bytes) -> None:
        """Writes the bytes, unless an earlier pod has written others: those stay, since they say the same in another
        way. Raises Unavailable."""
        try:
            self.put(uri, data)
        except Conflict:
            say(f"{uri} was written before, and stays as it is")

    def names(self, uri: str) -> list[str]:
        """Returns the sorted names in a folder, none if it doesn't exist. Raises Unavailable."""
        path = quote(uri.removeprefix(SCHEME))
        answer = self.web.json("GET", f"{self.web.base}/api/2.0/mlflow-artifacts/artifacts?path={path}")
        return sorted(str(item["path"]) for item in answer.get("files", ()))

    def get_json(self, uri: str) -> Any | None:
        data = self.get(uri)
        return None if data is None else json.loads(data)

    def put_json(self, uri: str, document: Any) -> None:
        """Writes a JSON document, as ``put`` does. Raises ValueError for infinity and NaN, which JSON doesn't have."""
        self.put(uri, _encoded(document))

    def put_json_first(self, uri: str, document: Any) -> None:
        """Writes a JSON document, as ``put_first`` does. Raises ValueError as ``put_json`` does."""
        self.put_first(uri, _encoded(document))


def _encoded(document: Any) -> bytes:
    json.dumps(document, allow_nan=False)
    return canonical(document)


def _said(answer: bytes) -> str:
    """Returns the message of an error of MLflow's form, else the answer's beginning."""
    try:
        return str(json.loads(answer)["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode(errors="replace")


def _nothing(uri: str) -> UserError:
    return UserError("ArtifactMissing", f"there is nothing at {uri}; correct the address, or store it again")


def _other(uri: str, actual: str, expected: str) -> UserError:
    message = f"{uri} has digest {actual}, expected is {expected}; correct the digest, or store it again"
    return UserError("DigestMismatch", message)
