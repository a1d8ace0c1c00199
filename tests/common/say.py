"""Shows a person the progress, on stderr because stdout is for results, and errors that are one clear sentence."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

FIRST, LATER = 5.0, 15.0
"""Seconds until the first line of progress, and between later ones."""


class CannotRun(Exception):
    """A person has to change something first; the message says what, and is never shown with a traceback."""


def say(text: str) -> None:
    """Prints one line of progress."""
    print(text, file=sys.stderr, flush=True)


def run(argv: Sequence[str], *, input: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Runs a command to its end and returns its stdout. Raises CannotRun with the end of its stderr if it fails."""
    _require(argv[0], env)
    done = subprocess.run(list(argv), input=input, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise CannotRun(f"'{' '.join(argv[:6])}' failed with exit code {done.returncode}:\n{tail}")
    return done.stdout


def _require(program: str, env: Mapping[str, str] | None) -> None:
    if not shutil.which(program, path=(env or os.environ).get("PATH")):
        raise CannotRun(f"{program} is not installed: install it and run this again.")


def run_slow(
    what: str, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, quiet: float = 0
) -> None:
    """Runs a command that takes minutes, with its output in `log`, and prints a line of progress every few seconds.

    Nothing is said of what took less than `quiet` seconds. Raises CannotRun with the log's end if it fails.
    """
    _require(argv[0], env)
    log.parent.mkdir(parents=True, exist_ok=True)
    began, wait = time.monotonic(), FIRST
    with (
        open(log, "w") as file,
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=env) as process,
    ):
        while process.returncode is None:
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                wait = LATER
                say(f"  {what}: {time.monotonic() - began:.0f} s, now {_tail(log, 1)[:80]}")
    if process.returncode:
        command = f"'{' '.join(argv[:4])}'"
        raise CannotRun(f"{what}: {command} failed with exit code {process.returncode} ({log}):\n{_tail(log, 20)}")
    if time.monotonic() - began >= quiet:
        say(f"  {what}: done after {time.monotonic() - began:.0f} s")


def _tail(log: Path, count: int) -> str:
    """Returns the last lines that are not empty, without the colours and the redrawn beginnings of progress bars."""
    with log.open(errors="replace", newline="\n") as file:  # keeps the carriage returns before each redraw
        lines = [re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line) for line in file]
    return "\n".join([line.strip().rpartition("\r")[2] for line in lines if line.strip()][-count:])


def until(seconds: float, what: str, check: Callable[[], object], every: float = 0.2) -> None:
    """Polls until `check` returns something true. Raises CannotRun naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise CannotRun(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(every)


def exit_code(work: Callable[[], object]) -> int:
    """Does the work of a command, and returns the exit code: 1 after an error, which is printed as a sentence on
    stderr, or 130 after an interrupt."""
    try:
        work()
    except CannotRun as problem:
        say(f"error: {problem}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from here")
        return 130
    return 0
