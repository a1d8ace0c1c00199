"""The process that serves: one event loop, one socket, its signals and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from modelyard_server.app import App
from modelyard_server.manifest import ModelError
from modelyard_server.model import OnnxModel, load
from modelyard_server.say import last_words, say

OK, FAILED, USER_ERROR = 0, 1, 2


def leave(code: int) -> NoReturn:
    """Ends the process at once: granian's threads must not meet an interpreter that is being taken down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def serve(
    folder: Path,
    name: str,
    version: str,
    *,
    host: str,
    port: int,
    threads: int,
    drain_seconds: float,
    termination_log: Path,
) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code.

    The end: at the signal the server says it is not ready, and goes on answering for ``drain_seconds``, asking each
    client to leave after its answer; then the socket is closed, and what is in flight is finished.
    """
    warnings.filterwarnings("ignore", message="overflow encountered in cast")  # tensors.py refuses it in words
    started = time.monotonic()
    app = App(name, version)
    # In this process and loop: one process is half the memory and start of granian's parent with a worker, and
    # signals reach the loop that serves.
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        log_level=LogLevels.error,
    )
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.ensure_future(server.serve())
    stop = asyncio.ensure_future(stopping.wait())
    loading = loop.run_in_executor(None, load, folder, threads)
    say(f"listening on {host}:{port}, loading {folder}")
    try:
        await asyncio.wait({serving, stop, loading}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and not stop.done():
            app.serve(await _loaded(loading))
            say(f"ready: {name} version {version}, {app.metrics.digest}, {time.monotonic() - started:.2f} s")
            await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    except ModelError as error:
        last_words(f"cannot serve {name} version {version}: {error}", termination_log)
        # Nothing was ever answered but "not ready". Stopping granian while it may still be starting can abort it.
        leave(USER_ERROR)
    finally:
        app.drain()
        if stop.done() and app.model is not None and not serving.done():
            say(f"stopping: still answering for {drain_seconds:g} s")
            await asyncio.wait({serving}, timeout=drain_seconds)
        server.stop()
        await asyncio.wait({serving})
        stop.cancel()
    if not stopping.is_set():
        reason = serving.exception() or "see the log"
        last_words(f"the HTTP server on {host}:{port} ended by itself: {reason}", termination_log)
        return FAILED
    say("stopped")
    return OK


async def _loaded(loading: asyncio.Future[OnnxModel]) -> OnnxModel:
    """The model; any failure to load it is a ModelError, since trying again with the same bytes can't help."""
    try:
        return await loading
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{type(error).__name__}: {' '.join(str(error).split())[:400]}") from error
