"""Runs the tests of a commit, and reads what came of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from modelyard_api.kinds.pipelinesource import Check, Tests
from modelyard_api.wire.redact import redacted
from modelyard_api.wire.task import WORK_FOLDER
from modelyard_runtime.pod.say import say

REPORT, ENDED = "junit.xml", "ended.json"
_MOST_BYTES = 8 * 1024 * 1024
_NO_TESTS = 5
"""pytest's exit code if it has found no tests."""
_TAIL = 4000


def run(spec: Tests, bundle: Path, report: Path) -> None:
    """Runs pytest in a copy of the sources, and leaves its report and how it ended in the folder ``report``."""
    sources = Path(WORK_FOLDER, "src")
    shutil.rmtree(sources, ignore_errors=True)  # of an earlier try
    shutil.copytree(bundle / "src", sources, symlinks=True)
    command = [
        *(sys.executable, "-m", "pytest", *spec.arguments, "-p", "no:cacheprovider", f"--junitxml={report / REPORT}"),
        *(f"--timeout={spec.test_timeout_seconds}", "--timeout-method=signal", f"--rootdir={sources}"),
    ]
    path = (str(sources), str(bundle / "site"), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, path))}
    log = report / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=sources, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code: int | None = process.wait(spec.timeout_seconds)
        except subprocess.TimeoutExpired:
            code = None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with log.open("rb") as output:
        output.seek(max(0, log.stat().st_size - _TAIL))
        tail = redacted(output.read().decode(errors="replace"))
    say(f"pytest ended with {code}:\n{tail}")
    (report / ENDED).write_text(json.dumps({"code": code, "tail": tail}))


def read(spec: Tests, report: Path) -> Check:
    """Returns what the tests said. Their own code may have written the report, so no byte of it is trusted."""
    try:
        ended = json.loads(_bounded(report / ENDED))
        code, tail = ended["code"], str(ended["tail"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _check(False, f"the tests left no report: {error}")
    last = (tail.strip().splitlines() or ["nothing"])[-1]
    if code is None:
        return _check(
            False,
            f"the tests did not end within test.timeoutSeconds ({spec.timeout_seconds}) and were stopped; the last "
            f"line that they wrote: {last}",
        )
    if code == _NO_TESTS:
        return _check(False, "pytest found no tests in git.path; add some, since nothing untested is delivered")
    try:
        total, broken = _cases(_bounded(report / REPORT))
    except (OSError, ValueError, ParseError, DefusedXmlException) as error:
        return _check(False, f"pytest ended with {code} and left no report that can be read ({error}); it said: {last}")
    if broken:
        return _check(False, f"{len(broken)} of {total} tests failed: {'; '.join(broken[:5])}")
    if code != 0:
        return _check(False, f"pytest ended with {code}; it said: {last}")
    return _check(True, f"{total} tests passed")


def _bounded(path: Path) -> bytes:
    # A link of theirs would be followed here, beside files that their container doesn't have; a pipe would block.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{path.name} has more than {_MOST_BYTES} bytes")
    return data


def _cases(data: bytes) -> tuple[int, list[str]]:
    """Returns how many tests there were, and of each that failed its name and why."""
    cases = list(ElementTree.fromstring(data, forbid_dtd=True).iter("testcase"))
    broken = []
    for case in cases:
        for problem in (*case.iter("failure"), *case.iter("error")):
            name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
            broken.append(f"{name[:200]}: {' '.join(redacted(_why(problem)).split())[:200]}")
            break
    return len(cases), broken


def _why(problem: Element) -> str:
    """Returns the message of a failure; of a file that can't be collected, the error of the import."""
    lines = [line for line in (problem.text or "").splitlines() if line.startswith("E ")]
    message = problem.get("message") or ""
    return lines[-1][1:] if lines and message == "collection failure" else message


def _check(passed: bool, message: str) -> Check:
    shown = "".join(filter(str.isprintable, redacted(message)))
    return Check(name="tests", passed=passed, message=shown[:1000])
