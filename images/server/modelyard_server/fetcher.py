"""The sidecar of a pool's server: fetches models for it, so that the process that answers requests has no identity.

The server asks over a Unix socket, one question a connection, each a line of JSON: where the model is, its digest, and
the folder. The answer is a line too: ``{}``, or what ``fetch.bring`` raised.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import socketserver
import threading
import time
from pathlib import Path
from typing import Any

from modelyard_server import fetch
from modelyard_server.fetch import Refused, Unavailable
from modelyard_server.say import say

AT_ONCE = 4
"""Models fetched at once; the others wait, since all come from the same store."""
GIVE_UP_AFTER = 30.0
"""Seconds to keep asking the store for one model, or this sidecar, before it counts as unavailable for now."""
LONGEST = 3600.0
"""Seconds that one model may take."""
_MOST_BYTES = 16 * 1024
_ASKED_WITHIN = 10.0
_PAUSE = 0.2
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[0-9]{1,18}")


def ask(path: Path, uri: str, digest: str, folder: str, give_up_after: float = GIVE_UP_AFTER) -> None:
    """Has the model fetched into this folder, also if the sidecar starts anew. Raises what ``fetch.bring`` does."""
    question = json.dumps({"uri": uri, "digest": digest, "folder": folder}).encode() + b"\n"
    deadline = time.monotonic() + give_up_after
    while True:
        try:
            answer = _asked(path, question)
            break
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"the container that fetches models does not answer at {path}: {error}") from error
        time.sleep(_PAUSE)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["message"], answer["file"])
    if "reason" in answer:
        raise Refused(answer["reason"], answer["message"])
    if "message" in answer:
        raise Unavailable(answer["message"])


def _asked(path: Path, question: bytes) -> dict[str, Any]:
    """Returns the answer. Raises OSError or ValueError if there is none, or a part of one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(LONGEST)
        connection.connect(str(path))
        connection.sendall(question)
        with connection.makefile("rb") as file:
            answer = json.loads(file.readline(_MOST_BYTES))
    if not isinstance(answer, dict):
        raise ValueError("it answers with no object")
    return answer


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, folder: Path, tracking_url: str, give_up_after: float) -> None:
        path.unlink(missing_ok=True)  # of a process before this one
        super().__init__(str(path), _Handler)
        self.folder, self.tracking_url, self.give_up_after = folder, tracking_url, give_up_after
        self.turns = threading.BoundedSemaphore(AT_ONCE)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = _ASKED_WITHIN

    def handle(self) -> None:
        try:
            line = self.rfile.readline(_MOST_BYTES)
            with self.server.turns:
                answer = self._answer(line)
            self.wfile.write(json.dumps(answer).encode() + b"\n")
        except OSError as error:  # the server that asked is gone, or asked for nothing
            say(f"a question has no answer: {error}")

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            uri, digest, to = str(asked["uri"]), str(asked["digest"]), self._folder(str(asked["folder"]))
        except (ValueError, KeyError, TypeError) as error:
            return {"message": f"the container that fetches models can't read a question: {error}"}
        try:
            fetch.bring(uri, digest, self.server.tracking_url, to, self.server.give_up_after)
        except Refused as error:
            return {"reason": error.reason, "message": _short(error)}
        except Unavailable as error:
            return {"message": _short(error)}
        except OSError as error:
            return {"errno": error.errno, "message": error.strerror or _short(error), "file": _named(error)}
        return {}

    def _folder(self, name: str) -> Path:
        """Returns the folder of this name. Raises ValueError for one that isn't ``NAME/NUMBER`` among the models."""
        path = self.server.folder / name
        if not _FOLDER.fullmatch(name) or not path.resolve().is_relative_to(self.server.folder.resolve()):
            raise ValueError(f"{name[:100]!r} is no folder of a model")
        return path


def _named(error: OSError) -> str | None:
    return None if error.filename is None else str(error.filename)


def _short(error: Exception) -> str:
    return str(error)[: _MOST_BYTES // 8]


def run(path: Path, folder: Path, tracking_url: str, give_up_after: float = GIVE_UP_AFTER) -> int:
    """Answers at the socket ``path`` until SIGTERM, with models below ``folder``."""
    with _Server(path, folder, tracking_url, give_up_after) as server:
        # A fetch that goes on is no reason to wait: its folder stays incomplete, and is fetched again.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
        say(f"fetching models into {folder}, asked at {path}")
        server.serve_forever()
    return 0
