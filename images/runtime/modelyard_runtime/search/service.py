"""Serves a coordinator to the workers by HTTP, in a process of its own."""

from __future__ import annotations

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from modelyard_api.wire.task import SweepTask
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import AFTER_WORK, Unavailable, Web

if TYPE_CHECKING:
    from modelyard_runtime.search.coordinator import Coordinator

FAREWELL = 5.0
"""Longest time in seconds that the result waits for workers that don't know yet that the search is over."""


def start(task: SweepTask) -> None:
    """Starts the process. It ends with the one that has started it, or when it can't go on, and never returns there."""
    parent = os.getpid()
    if os.fork() == 0:
        try:
            _serve(task, parent)
        except BaseException as error:
            say(f"the coordinator has ended: {type(error).__name__}: {error}")
        finally:
            os._exit(1)


def _serve(task: SweepTask, parent: int) -> None:
    from modelyard_runtime.search.coordinator import Coordinator  # the workers need no Optuna

    coordinator = Coordinator(task, ArtifactStore(Web(task.tracking_url, AFTER_WORK)))
    port = int(task.coordinator.rsplit(":", 1)[1])

    server = _Server(("", port), coordinator, task.subject.uid, parent)
    say(f"coordinating {task.spec.max_trials} trials on port {port}")
    server.serve_forever()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], coordinator: Coordinator, uid: str, parent: int) -> None:
        super().__init__(address, _Handler)
        self.coordinator, self.uid, self._parent = coordinator, uid, parent

    def service_actions(self) -> None:
        """Is called twice a second."""
        if os.getppid() != self._parent:
            os._exit(1)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if asked.get("uid") != self.server.uid:
            return self._answer(403, {"error": "this is the coordinator of another Sweep"})
        try:
            if self.path == "/next":
                self._answer(200, self.server.coordinator.next(asked["worker"], asked.get("told")))
            elif self.path == "/renew":
                keep = self.server.coordinator.renew(asked["worker"], asked["trial"], asked["attempt"])
                self._answer(200, {"keep": keep})
            elif self.path == "/result":
                self._answer(200, self._result())
            else:
                self._answer(404, {"error": "there are /next, /renew and /result"})
        except Unavailable as error:
            # What was noted may be lost with this answer, so another process has to begin from the journal.
            say(f"the journal can't be written: {error}")
            os._exit(1)

    def _result(self) -> dict[str, Any]:
        coordinator, ends = self.server.coordinator, time.monotonic() + FAREWELL
        while not coordinator.dismissed_all() and time.monotonic() < ends:
            time.sleep(0.1)
        try:
            return {"result": coordinator.result().wire()}
        except UserError as error:
            return {"error": {"reason": error.reason, "message": error.message}}

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing: a line for each call would hide what matters."""
