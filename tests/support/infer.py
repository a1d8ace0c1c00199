"""A REST client of the Open Inference Protocol V2, with the standard library alone."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


def request_of(rows: list[Row], id_: str | None = None) -> dict[str, Any]:
    """Returns a request with one input per column: BYTES for text, FP32 for numbers; None means a missing value."""
    inputs = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        text = any(isinstance(value, str) for value in values)
        inputs.append(
            {
                "name": name,
                "shape": [len(rows), 1],
                "datatype": "BYTES" if text else "FP32",
                "data": ["" if value is None and text else value for value in values],
            }
        )
    return {"inputs": inputs} | ({"id": id_} if id_ else {})


def post(host: str, port: int, path: str, body: Any, timeout: float = 10) -> tuple[int, Any]:
    """Sends one POST on a connection of its own, and returns the answer's status and JSON body."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def labels(answer: dict[str, Any]) -> list[Any]:
    return next(output["data"] for output in answer["outputs"] if output["name"] == "label")


@dataclass
class Load:
    """Sends the same request again and again until it is stopped; counts answers by model version, lists failures."""

    host: str
    port: int
    path: str
    body: dict[str, Any]
    pause: float = 0.02
    answered: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Load:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=15)

    def _work(self) -> None:
        end = time.monotonic() + 600
        while not self._stop.is_set() and time.monotonic() < end:
            try:
                status, answer = post(self.host, self.port, self.path, self.body, timeout=5)
                if status == 200:
                    version = str(answer.get("model_version"))
                    self.answered[version] = self.answered.get(version, 0) + 1
                else:
                    self.failures.append(f"{status} {answer}")
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures.append(repr(error))
            self._stop.wait(self.pause)
