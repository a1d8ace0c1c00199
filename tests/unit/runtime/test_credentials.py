"""Fuzzes the places where our programs meet credentials: no message, result, termination message or log line has them.

The programs and servers are real processes and sockets, which say what Hypothesis has drawn; the only thing that they
don't do is their work.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelyard_api.kinds.pipelinesource import Bundle, Git, Tests
from modelyard_api.wire.task import Common, SourceTask
from modelyard_runtime import __main__ as program
from modelyard_runtime.pod import code, requirements
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.pod.web import Unavailable, Web
from modelyard_runtime.source import git, manifests, testing
from modelyard_runtime.source.registry import CONFIG_FILE, Registry
from tests.support.credentials import Leak, leaks, secrets
from tests.unit.runtime.memory import STORE, SUBJECT

fuzzed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOCKED = f"absent==1 --hash=sha256:{'0' * 64}\n"


@contextlib.contextmanager
def logged() -> Iterator[io.StringIO]:
    """Takes what is written to the log."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        yield log


def saying(folder: Path, text: str, name: str, code_: int = 1) -> Path:
    """Returns a program that says a text and ends."""
    said = folder / f"{name}.txt"
    said.write_text(text)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat {said} >&2\nexit {code_}\n")
    path.chmod(0o755)
    return path


# --- git --------------------------------------------------------------------------------------------------------------


def _git(folder: Path, text: str, password: str = "") -> str:
    (folder / "secret").mkdir(exist_ok=True)
    (folder / "secret/password").write_text(password)
    saying(folder, text, "git", 128)
    of = Git.model_validate({"url": "https://git.example.com/acme/x.git", "secretRef": {"name": "git"}})
    with pytest.MonkeyPatch.context() as patch, logged() as log:
        patch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        patch.setattr(git, "WORK_FOLDER", str(folder))
        patch.setattr(git, "GIT_FOLDER", str(folder / "secret"))
        with pytest.raises(UserError) as error:
            git.look_up(of)
    return error.value.message + log.getvalue()


@fuzzed
@given(leaks())
@example(Leak(" git:Zq90000000000009qZ@example.com/simple ", "Zq90000000000009qZ"))
def test_git(tmp_path: Path, leak: Leak) -> None:
    leak.told(_git(tmp_path, leak.text))


@fuzzed
@given(secrets("-_.~ !/&?#@", 8).map(str.strip), st.sampled_from(("remote: token {} has expired", "error: 401: {}")))
def test_git_that_quotes_the_password_of_the_secret(tmp_path: Path, password: str, said: str) -> None:
    coded = base64.b64encode(f"git:{password}".encode()).decode()
    message = _git(tmp_path, f"{said.format(password)} ({coded})", password)
    assert password not in message
    assert coded not in message


# --- a registry, and the tracking server ------------------------------------------------------------------------------


class Says(BaseHTTPRequestHandler):
    """Answers with a text, or with what it was asked with."""

    text: ClassVar[str | None] = None
    code: ClassVar[int] = 500

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = (str(self.headers) if self.text is None else self.text).encode()
        self.send_response(self.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = _answer

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Says) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()


def _push(folder: Path, host: str, password: str) -> str:
    folder.joinpath(CONFIG_FILE).write_text(json.dumps({"auths": {host: {"username": "kim", "password": password}}}))
    bundle = Bundle.model_validate({"repository": f"{host}/acme/x", "plainHttp": True, "secretRef": {"name": "push"}})
    with logged() as log, pytest.raises(UserError) as error:
        # The manifest is sent by PUT, whose answer has a body.
        Registry(bundle, folder)._send("PUT", "manifests/tag", b"{}", {})
    return error.value.message + log.getvalue()


@fuzzed
@given(leaks(), st.sampled_from((400, 401, 403, 500)), st.sampled_from(("another-password", "")))
@example(Leak(" kim:Zq90000000000009qZ@example.com/simple ", "Zq90000000000009qZ"), 500, "")
def test_a_registry(tmp_path: Path, server: str, leak: Leak, status: int, password: str) -> None:
    Says.text, Says.code = leak.text, status
    leak.told(_push(tmp_path, server, password))


@fuzzed
@given(secrets("-_.~!/&?#@:", 8), st.sampled_from((400, 401, 403, 500)))
def test_a_registry_that_quotes_the_request(tmp_path: Path, server: str, password: str, status: int) -> None:
    Says.text, Says.code = None, status
    message = _push(tmp_path, server, password)
    assert password not in message
    assert base64.b64encode(f"kim:{password}".encode()).decode() not in message


@fuzzed
@given(leaks(), st.sampled_from((400, 401, 403, 429, 500)))
def test_the_tracking_server(server: str, leak: Leak, status: int) -> None:
    Says.text, Says.code = leak.text, status
    with logged() as log, pytest.raises(Unavailable) as error:
        Web(f"http://{server}", patience=0.0).json("GET", f"http://{server}/x")
    leak.told(str(error.value), log.getvalue())


# --- pip --------------------------------------------------------------------------------------------------------------


@fuzzed
@given(leaks(lines=False))
def test_a_line_of_a_lock(leak: Leak) -> None:
    with pytest.raises(UserError) as error:
        requirements.parse(f"{leak.text}\n", "spec.build.requirements")
    leak.told(error.value.message)


@fuzzed
@given(secrets("-_.~!$*+%"), st.sampled_from(("--index-url {}", "acme @ {} --hash=sha256:00", "-i {}", "{}")))
def test_an_index_with_a_password_in_a_lock(secret: str, line: str) -> None:
    with pytest.raises(UserError) as error:
        requirements.parse(line.format(f"https://kim:{secret}@pypi.example.com/simple"), "spec.build.requirements")
    assert secret not in error.value.message
    assert "is not name==version" in error.value.message


@fuzzed
@given(leaks(lines=False), st.sampled_from(("", "ERROR: ", "WARNING: Retrying after connection broken by ")))
def test_pip(tmp_path: Path, leak: Leak, start: str) -> None:
    pip = saying(tmp_path, f"Looking in indexes\n{start}{leak.text}\n", "pip")
    with pytest.MonkeyPatch.context() as patch, logged() as log:
        patch.setattr(requirements.sys, "executable", str(pip))
        with pytest.raises((UserError, Retriable)) as error:
            requirements.install(LOCKED, tmp_path / "site", "spec.build.requirements")
    leak.told(error.value.message, log.getvalue())


# --- what a commit brings ---------------------------------------------------------------------------------------------


@fuzzed
@given(leaks())
def test_the_tests_of_a_commit(tmp_path: Path, leak: Leak) -> None:
    spec, report = Tests(), tmp_path / "report"
    for folder in (report, tmp_path / "bundle/src"):
        folder.mkdir(parents=True, exist_ok=True)
    pytest_ = saying(tmp_path, leak.text, "pytest")
    with pytest.MonkeyPatch.context() as patch, logged() as log:
        patch.setattr(testing.sys, "executable", str(pytest_))
        patch.setattr(testing, "WORK_FOLDER", str(tmp_path / "work"))
        testing.run(spec, tmp_path / "bundle", report)
    leak.told(testing.read(spec, report).message, log.getvalue())
    (report / testing.ENDED).write_text(json.dumps({"code": 1, "tail": leak.text}))
    from xml.sax.saxutils import quoteattr

    message = quoteattr("".join(char for char in leak.text if char.isprintable() or char == "\n"))
    case = f"<testcase name='a'><failure message={message}/></testcase>"
    (report / testing.REPORT).write_text(f"<testsuite>{case}</testsuite>")
    leak.told(testing.read(spec, report).message)


@fuzzed
@given(leaks(), st.sampled_from(("{}", "a: [\n{}", "- {}", "apiVersion: {!r}", "kind: x\n  {}: a: b")))
def test_a_manifest(tmp_path: Path, leak: Leak, around: str) -> None:
    folder = tmp_path / manifests.FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_text(around.format(leak.text))
    with pytest.raises(manifests.BadManifest) as error:
        manifests.read(tmp_path, {})
    leak.told(str(error.value))


@fuzzed
@given(leaks())
def test_the_error_of_a_script(tmp_path: Path, leak: Leak) -> None:
    script = tmp_path / "train.py"
    source = f"raise RuntimeError({leak.text!r})\n".encode()
    script.write_bytes(source)
    with logged() as log, pytest.raises(UserError) as error:
        code.load(script, source, "train", "spec.trainer.script")
    leak.told(error.value.message, log.getvalue())


@fuzzed
@given(leaks())
def test_an_error_that_nobody_expected(tmp_path: Path, leak: Leak) -> None:
    """Its trace is logged, and its first line is the termination message."""
    ended = tmp_path / "termination-log"
    task: Common = SourceTask.model_validate(
        {
            "kind": "Source",
            "subject": SUBJECT,
            "trackingURL": "http://127.0.0.1:9",
            "baseURI": STORE,
            "resultURI": f"{STORE}/r",
            "key": "a",
            "spec": {
                "git": {"url": "https://example.com/x"},
                "bundle": {"repository": "example.com/x"},
                "targets": [{"name": "a"}],
            },
        }
    )

    def breaks(*_: Any) -> int:
        raise RuntimeError(leak.text)

    with pytest.MonkeyPatch.context() as patch, logged() as log:
        patch.setenv("MODELYARD_TERMINATION_LOG", str(ended))
        patch.setattr(program, "run", breaks)
        assert program._outcome("look", task) == 1
    assert "RuntimeError" in log.getvalue()
    leak.told(ended.read_text(), log.getvalue())
