"""``python -m modelyard_runtime [COMMAND]``: does the task that the pod was given.

Exit codes: 0 done; 2 the user's error, no retry helps; 75 no tracking server to be reached; 1 anything else;
143 told to stop.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from modelyard_api.wire.redact import redacted
from modelyard_api.wire.result import EXIT_UNAVAILABLE, EXIT_USER_ERROR, TrainResult
from modelyard_api.wire.task import TASK_FILE, Common, Task, TrainTask
from modelyard_runtime.pod import closing, outcome
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.pod.say import say, trace
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import Refused, Unavailable, Web
from modelyard_runtime.table import COMMANDS, load

STOPPED = 143
FAREWELL = 10.0
"""Longest time in seconds that a pod which is told to stop takes to say so to the tracking server."""
COLLECTING = 75.0
"""Seconds for which ``collect`` keeps asking an unavailable store."""


def main(arguments: list[str] | None = None) -> int:
    listed = "\n".join(f"  {name:14}{command.summary}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="modelyard_runtime",
        description=f"{__doc__}\ncommands, of which one must fit the task:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=sorted(COMMANDS), help="[what the task says]")
    parser.add_argument("--task", type=Path, default=Path(TASK_FILE), help=f"the task's file [{TASK_FILE}]")
    options = parser.parse_args(arguments)
    try:
        task: Task = TypeAdapter(Task).validate_json(options.task.read_bytes())
    except (OSError, ValidationError) as error:
        return _broken(f"the task {options.task} can't be read: {str(error).splitlines()[0]}")
    command = options.command or task.kind.lower()
    if COMMANDS[command].kind != task.kind:
        return _broken(f"{command} was asked for, but the task is to {task.kind.lower()}")
    stop_on_sigterm(COMMANDS[command].waits is not None, lambda: closing.close(task, "KILLED"))
    code = _outcome(command, task)
    if code not in (0, EXIT_UNAVAILABLE):
        closing.close(task, "FAILED")
    return code


def _outcome(command: str, task: Task) -> int:
    """Does the task, and tells how it has ended; returns the exit code."""
    store = ArtifactStore(Web(task.tracking_url))
    try:
        return run(command, task, store)
    except Refused as error:
        return _broken(f"the tracking server refuses this pod: {error}", "TrackingRefused")
    except Unavailable as error:
        return _unavailable(task.tracking_url, error)
    except Retriable as error:
        return _broken(error.message, error.reason)
    except OSError as error:
        trace()
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return _broken(_first_line(error))
        message = "no space left on the pod's disk; write less, or ask for more in resources.requests.ephemeral-storage"
        return _broken(f"{message} ({_first_line(error)})", "DiskFull")
    except Exception as error:
        trace()
        return _broken(_first_line(error))


def stop_on_sigterm(awaits: bool, before: Callable[[], None] = lambda: None) -> None:
    """Makes SIGTERM end the process with 143 once ``before`` has returned, which may take ``FAREWELL`` seconds, unless
    the command ``awaits`` the signal itself.

    A thread waits for it: a Python handler runs only between two instructions, and one fit may be a single call of
    minutes. The signal is blocked before the numeric libraries start their threads, which inherit that.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if not awaits:
        threading.Thread(target=_await_sigterm, args=(before,), name="sigterm", daemon=True).start()


def _await_sigterm(before: Callable[[], None]) -> None:
    signal.sigwait({signal.SIGTERM})
    threading.Timer(FAREWELL, os._exit, (STOPPED,)).start()
    try:
        before()
    finally:
        os._exit(STOPPED)


def run(name: str, task: Common, store: ArtifactStore) -> int:
    """Runs one task to its end; returns exit code 0 or 2. Raises every error that a retry may solve."""
    say(f"{name} for {task.subject.namespace}/{task.subject.name}")
    command = COMMANDS[name]
    if command.waits:
        load(command.waits)()
        # The kubelet kills the pod two minutes after SIGTERM; a failure must be reported before that.
        store.web.patience = COLLECTING
    asks = command.asks_store and not command.beside_container
    earlier = outcome.earlier(task, store, command.kind) if asks else None
    if earlier is not None:
        outcome.leave(earlier, task.result_uri)
        return 0
    try:
        result = command.run(task, store)
        if isinstance(task, TrainTask) and isinstance(result, TrainResult):
            from modelyard_runtime.pod.tracked import keep

            keep(task, store, result)
    except UserError as error:
        outcome.fail(task, store, error)
        # Nobody reads a sidecar's exit code: the operator reads the result.
        return 0 if command.waits else EXIT_USER_ERROR
    if result is not None:
        outcome.succeed(task, store, result)
    say("done")
    return 0


def _unavailable(url: str, error: Unavailable) -> int:
    if error.full:
        say(str(error))
        _broken(f"the volume of the tracking server {url} is full; enlarge it, or delete there", "TrackingFull")
    else:
        problem = f"the tracking server {url} can't be reached; see that its pod runs and is ready"
        _broken(f"{problem} ({error})", "TrackingUnavailable")
    return EXIT_UNAVAILABLE


def _broken(message: str, reason: str = "InternalError") -> int:
    say(message)
    outcome.leave({"kind": "Failed", "error": {"reason": reason, "message": message}})
    return 1


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {redacted(str(error)).splitlines()[0] if str(error) else 'no message'}"


def _exit(code: int) -> None:
    """Ends the process at once. All is written by now, and Python would take a sixth of a small run's time to dismantle
    the numeric libraries, for which the Job, and who waits for it, would wait."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _exit(main())
