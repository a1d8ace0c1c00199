"""A git server behind a password, by http: git's own ``http-backend``, and repositories that tests commit to."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

USER, PASSWORD = "robot", "open-sesame"
_CREDENTIALS = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_CONFIG = ("http.receivepack=false", "uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true")


def git(folder: Path, *arguments: str) -> str:
    """Runs git in the folder, with settings that depend on nobody's own, and returns its output."""
    who = dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "tests@example.com")
    who |= dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Tests")
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **who}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


class Repository:
    """A repository on the server, with a working copy."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = f"{name}.git"
        self._copy = root / f"{name}-copy"
        bare = root / "served" / self.name
        bare.mkdir(parents=True)
        git(bare, "init", "--quiet", "--bare")
        for setting in _CONFIG:
            git(bare, "config", *setting.split("="))
        self._copy.mkdir()
        git(self._copy, "init", "--quiet")
        git(self._copy, "remote", "add", "origin", str(bare))

    def commit(self, files: Mapping[str, str | bytes | None], ref: str = "main") -> str:
        """Writes these files, removes those that are None, pushes, and returns the commit."""
        for name, content in files.items():
            path = self._copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        git(self._copy, "add", "--all")
        git(self._copy, "commit", "--quiet", "--allow-empty", "--message", "A commit")
        git(self._copy, "push", "--quiet", "origin", f"HEAD:refs/heads/{ref}")
        return git(self._copy, "rev-parse", "HEAD").strip()

    def run(self, *arguments: str) -> str:
        return git(self._copy, *arguments)


class GitServer:
    """Serves the repositories below ``root`` on this address. ``down`` makes it answer 503."""

    def __init__(self, root: Path, address: str) -> None:
        self.root, self.down = root, False
        (root / "served").mkdir(parents=True)
        self._http = ThreadingHTTPServer((address, 0), self._handler())
        self.url = f"http://{address}:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def repository(self, name: str) -> Repository:
        return Repository(self.root, name)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if server.down:
                    self.send_error(503)
                elif self.headers.get("Authorization") != _CREDENTIALS:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._answer()

            do_POST = do_GET

            def _answer(self) -> None:
                path, _, query = self.path.partition("?")
                environment = {
                    **{"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(server.root / "served")},
                    **{"GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command, "PATH_INFO": path},
                    **{"QUERY_STRING": query, "REMOTE_USER": USER, "GIT_CONFIG_GLOBAL": "/dev/null"},
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                }
                body = b"".join(_body(self.rfile, self.headers))
                done = subprocess.run(
                    ["git", "-c", "safe.directory=*", "http-backend"],
                    env=environment,
                    input=body,
                    capture_output=True,
                    check=False,
                )
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for key, value in fields.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _body(file: IO[bytes], headers: Mapping[str, str]) -> Iterator[bytes]:
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        yield file.read(int(headers.get("Content-Length") or 0))
        return
    while size := int(file.readline().split(b";")[0], 16):
        yield file.read(size)
        file.readline()
    file.readline()


@contextmanager
def git_server(root: Path, address: str = "127.0.0.1") -> Iterator[GitServer]:
    server = GitServer(root, address)
    try:
        yield server
    finally:
        server.close()
