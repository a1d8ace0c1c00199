"""The init container: fetches a model from the artifact store and checks every byte against the version's digest.

The digest is that of model.json, which names the model's file and that file's digest. model.json is written last, so a
folder that has it is complete. A complete folder is not fetched again: then the store needn't answer.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from pydantic import ValidationError

from modelyard_api.fields.artifact import MODEL_JSON, ModelManifest, digest_of, http_url, sha256
from modelyard_api.wire.identity import TOKEN_FILE, authorization
from modelyard_server.say import TERMINATION_LOG, last_words, say

OK, FAILED, USER_ERROR = 0, 1, 2
TIMEOUT = 10.0
"""Seconds without a byte after which one attempt ends."""
MAX_MANIFEST = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_T = TypeVar("_T")
# Without the proxy of the environment: the store is in the cluster.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Refused(Exception):
    """The model can't be fetched, and trying again can't help. ``reason`` is one of the API's reasons."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Unavailable(Exception):
    """The store did not answer in time; a later attempt may succeed."""


def fetch(
    uri: str,
    digest: str,
    tracking_url: str,
    to: Path,
    *,
    give_up_after: float = 120.0,
    termination_log: Path = TERMINATION_LOG,
) -> int:
    """Fetches the model at ``uri`` into the folder ``to`` and returns the exit code.

    0 means that the model is there and checked; 1 that the store did not answer for ``give_up_after`` seconds or the
    folder can't be written; 2 that the store has no such model, or one with another digest.
    """
    try:
        bring(uri, digest, tracking_url, to, give_up_after)
    except Refused as error:
        last_words(f"cannot fetch the model: {error}", termination_log, error.reason)
        return USER_ERROR
    except Unavailable as error:
        last_words(f"cannot fetch the model: {error}", termination_log, "TrackingUnavailable")
        return FAILED
    except OSError as error:
        reason = "DiskFull" if error.errno == errno.ENOSPC else "InternalError"
        last_words(f"cannot write the model to {to}: {error}", termination_log, reason)
        return FAILED
    return OK


def bring(uri: str, digest: str, tracking_url: str, to: Path, give_up_after: float) -> None:
    """Fetches the model into the folder ``to`` unless it is there. Raises Refused, Unavailable or OSError."""
    started = time.monotonic()
    if _complete(to, digest):
        say(f"{to} holds {digest} already")
        return
    try:
        source = http_url(tracking_url, f"{uri.rstrip('/')}/{MODEL_JSON}")
    except ValueError as error:
        raise Refused("InvalidURI", str(error)) from error
    to.mkdir(parents=True, exist_ok=True)
    data = _retry(source, give_up_after, _manifest_bytes)
    if sha256(data) != digest:
        raise Refused(
            "DigestMismatch",
            f"{uri}/{MODEL_JSON} has digest {sha256(data)}, the model version says {digest}: the stored bytes were "
            "changed; restore them, or serve another version",
        )
    manifest = _manifest(data, uri)
    (to / MODEL_JSON).unlink(missing_ok=True)
    target = to / manifest.file
    if not (target.is_file() and digest_of(target) == manifest.file_digest):
        part = to / f".{manifest.file}.part"
        file_digest = _retry(
            http_url(tracking_url, f"{uri.rstrip('/')}/{manifest.file}"),
            give_up_after,
            lambda response: _stream(response, part, manifest.file_bytes),
        )
        if file_digest != manifest.file_digest:
            part.unlink(missing_ok=True)
            raise Refused(
                "DigestMismatch",
                f"{uri}/{manifest.file} has digest {file_digest}, its {MODEL_JSON} says {manifest.file_digest} "
                f"({manifest.file_bytes} bytes): the stored bytes were changed; restore them, or serve another version",
            )
        part.replace(target)
    part = to / f".{MODEL_JSON}.part"
    _write(part, data)
    part.replace(to / MODEL_JSON)
    say(f"fetched {uri}: {digest}, {manifest.file_bytes} bytes, {time.monotonic() - started:.2f} s")


def _complete(folder: Path, digest: str) -> bool:
    """Returns whether the folder holds the complete model of this digest."""
    try:
        data = (folder / MODEL_JSON).read_bytes()
        if sha256(data) != digest:
            return False
        manifest = ModelManifest.model_validate_json(data)
        return digest_of(folder / manifest.file) == manifest.file_digest
    except (OSError, ValidationError):
        return False


def _manifest(data: bytes, uri: str) -> ModelManifest:
    try:
        manifest = ModelManifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Refused(
            "InvalidModel", f"{uri}/{MODEL_JSON} is not a model's manifest: {place}: {first['msg']}"
        ) from error
    if Path(manifest.file).name != manifest.file or manifest.file in ("", ".", "..", MODEL_JSON):
        raise Refused(
            "InvalidModel", f"{uri}/{MODEL_JSON}: file {manifest.file!r} must be the plain name of a file beside it"
        )
    return manifest


def _retry(url: str, give_up_after: float, read: Callable[[http.client.HTTPResponse], _T]) -> _T:
    """Reads the answer to GET ``url``, retrying with growing pauses while the store is unavailable.

    Raises Refused, Unavailable, or the OSError of the local disk.
    """
    deadline, pause = time.monotonic() + give_up_after, 0.2
    while True:
        try:
            with _open(_request(url), timeout=TIMEOUT) as response:
                return read(response)
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code in (401, 403):
                raise Refused("TrackingRefused", _refusal(url, error)) from error
            error.close()
            if error.code == 404:
                message = f"{url} answers {reason}: the stored bytes are gone; restore them, or serve another version"
                raise Refused("ArtifactMissing", message) from error
            if error.code not in _RETRIED:
                raise Refused("TrackingUnavailable", f"{url} answers {reason}") from error
        except _DiskError as error:
            raise error.cause from error
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", "") or error or type(error).__name__)
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{url} did not answer for {give_up_after:g} s: {reason}")
        say(f"{url}: {reason}; trying again for {left:.0f} s")
        # Jitter, since all replicas of a deployment may be waiting for the same store.
        time.sleep(min(pause * random.uniform(0.5, 1.0), left))
        pause = min(pause * 2, 5.0)


def _request(url: str) -> urllib.request.Request:
    """Returns a request that tells the store, and no host that it may redirect to, which pod asks."""
    request = urllib.request.Request(url)
    for name, value in authorization(Path(TOKEN_FILE)).items():
        request.add_unredirected_header(name, value)
    return request


def _refusal(url: str, error: urllib.error.HTTPError) -> str:
    """Returns why the store refused this pod, and what to look at."""
    with error:
        said = error.read(300).decode(errors="replace")
    return (
        f"{url} answers HTTP {error.code} {said}: the tracking server takes this pod for nobody, or for one that may "
        f"not read this; see that it is of the operator's release, that the pod has a token in {TOKEN_FILE}, and that "
        "the nodes' clocks are right"
    )


class _DiskError(Exception):
    """Wraps an OSError of the local disk, to tell it from one of the connection to the store."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _manifest_bytes(response: http.client.HTTPResponse) -> bytes:
    data = response.read(MAX_MANIFEST + 1)
    if len(data) > MAX_MANIFEST:
        raise Refused("InvalidModel", f"{MODEL_JSON} is larger than {MAX_MANIFEST} bytes")
    _check_whole(response)
    return data


def _stream(response: http.client.HTTPResponse, path: Path, size: int) -> str:
    """Writes the answer to ``path`` and returns its digest. Stops once it is longer than ``size`` bytes."""
    digest, length = hashlib.sha256(), 0
    try:
        file = path.open("wb")
    except OSError as error:
        raise _DiskError(error) from error
    with file:
        while chunk := response.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
            try:
                file.write(chunk)
            except OSError as error:
                raise _DiskError(error) from error
            if length > size:
                break
        else:
            _check_whole(response)
        _sync(file)
    return f"sha256:{digest.hexdigest()}"


def _check_whole(response: http.client.HTTPResponse) -> None:
    """Raises IncompleteRead when the connection ended before the announced length: ``read(n)`` does not."""
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        _sync(file)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
