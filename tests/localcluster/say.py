"""Shows a person the progress, on stderr because stdout is for results, and errors that are one clear sentence."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class CannotRun(Exception):
    """A person has to change something first; the message says what, and is never shown with a traceback."""


def say(text: str) -> None:
    """Prints one line of progress."""
    print(text, file=sys.stderr, flush=True)


def run(argv: Sequence[str], *, input: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Runs a command to its end and returns its stdout. Raises CannotRun with the end of its stderr if it fails."""
    done = subprocess.run(list(argv), input=input, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise CannotRun(f"'{' '.join(argv[:6])}' failed with exit code {done.returncode}:\n{tail}")
    return done.stdout


def run_slow(
    what: str,
    argv: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    quiet: float = 0,
) -> None:
    """Runs a command that takes minutes, with its output in `log`, and prints a line of progress every few seconds.

    Nothing is said of what took less than `quiet` seconds. Raises CannotRun with the log's end if it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    lines, last = 0, ""
    finished = threading.Event()

    def beat() -> None:
        wait = 5.0
        while not finished.wait(wait):
            wait = 15
            say(f"  {what}: {time.monotonic() - began:.0f} s, {lines} lines, now {last[:80]}")

    threading.Thread(target=beat, daemon=True).start()
    try:
        with (
            open(log, "w") as file,
            subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=env,
            ) as process,
        ):
            assert process.stdout
            for line in process.stdout:
                file.write(line)
                file.flush()
                if line.strip():
                    # Progress bars contain colours, and carriage returns before each redraw: keep the last text only.
                    lines, last = lines + 1, re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line.strip()).split("\r")[-1]
    finally:
        finished.set()
    if process.returncode:
        tail = "\n".join(log.read_text().splitlines()[-20:])
        raise CannotRun(f"{what}: '{' '.join(argv[:4])}' failed with exit code {process.returncode} ({log}):\n{tail}")
    if time.monotonic() - began >= quiet:
        say(f"  {what}: done after {time.monotonic() - began:.0f} s")


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
