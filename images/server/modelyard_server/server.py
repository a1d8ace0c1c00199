"""The serving process: one event loop, its sockets, its signals and its shutdown."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from modelyard_server.app import App
from modelyard_server.engine import Engine
from modelyard_server.limiter import Limiter
from modelyard_server.manifest import ModelError
from modelyard_server.models import Models
from modelyard_server.observe.payload import PayloadLog
from modelyard_server.say import last_words, say

if TYPE_CHECKING:
    from modelyard_server.loader import Loader
    from modelyard_server.rpc.listener import Listener

MAX_CONNECTIONS = 16_384
MAX_HEADER = 128 * 1024
"""Most bytes buffered per connection: of its header, or of a body that is not read."""
OK, FAILED, USER_ERROR = 0, 1, 2


def leave(code: int) -> NoReturn:
    """Ends the process at once, because granian's threads must not run while the interpreter shuts down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def serve(
    folder: Path,
    name: str,
    version: str,
    *,
    repository: Path | None = None,
    catalogue: Path | None = None,
    fetcher: Path | None = None,
    memory_budget: int = 0,
    host: str,
    port: int,
    grpc_port: int = 0,
    threads: int,
    drain_seconds: float,
    body_seconds: float,
    observed: bool,
    payloads: PayloadLog | None,
    termination_log: Path,
) -> int:
    """Serves models until SIGTERM or SIGINT; returns the exit code.

    The models are the one in ``folder``, those of ``repository``, or those that ``catalogue`` lists, which the sidecar
    at the socket ``fetcher`` fetches into ``repository``. After the signal the server reports not ready and answers for
    another ``drain_seconds``, asking each client to leave after its answer; then it closes the sockets and finishes the
    requests in flight.
    """
    gc.freeze()  # imported modules stay: a collection that scans them stops all requests for 15 ms
    warnings.filterwarnings(
        "ignore", message="overflow encountered in cast"
    )  # tensors.py refuses such a value with a message
    started = time.monotonic()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:  # the soft limit is often 1,024, and each connection needs a descriptor
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    models = Models(None if catalogue else repository, memory_budget, threads, observed)
    engine = Engine(models, Limiter(body_seconds), payloads)
    loader = _loader(models, catalogue, repository, fetcher) if catalogue and repository and fetcher else None
    app = App(models, engine, loader.state if loader else None)
    # The embedded server runs in this process and loop: granian's parent with a worker would take twice the memory
    # and time to start, and here signals reach the loop that serves.
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        # Above this granian accepts no connection, not even a probe's; so it is large, and app.py refuses requests.
        backpressure=MAX_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=int(3000 * body_seconds), max_buffer_size=MAX_HEADER),
        log_level=LogLevels.error,
    )
    if payloads is not None:
        try:
            payloads.start()
        except OSError as error:
            reason = "DiskFull" if error.errno == errno.ENOSPC else "InternalError"
            last_words(f"--log-dir {payloads.folder}: {error.strerror}", termination_log, reason)
            return USER_ERROR
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.ensure_future(server.serve())
    stop = asyncio.ensure_future(stopping.wait())
    if loader is not None:
        subject = f"the models that {catalogue} lists"
        loading: asyncio.Future[object] = asyncio.ensure_future(loader.start())
    elif repository is None:
        subject = f"{name} version {version}"
        loading = asyncio.ensure_future(models.bring(models.add(name, version, folder)))
    else:
        subject = f"the models of {repository}"
        loading = asyncio.ensure_future(models.start())
    say(f"listening on {host}:{port}, loading {subject}")
    listener: Listener | None = None
    try:
        if grpc_port:
            listener = await _listener(engine, models, f"{host}:{grpc_port}", termination_log)
        await asyncio.wait({serving, stop, loading}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and not stop.done():
            await loading
            engine.start()
            say(f"ready: {_loaded(models)}, {time.monotonic() - started:.2f} s")
            ends = {serving, stop, *([loader.watching] if loader and loader.watching else [])}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    except ModelError as error:
        last_words(f"cannot serve {subject}: {error}", termination_log, "InvalidModel")
        # No request was answered yet, so end at once: stopping granian while it may still be starting can abort.
        leave(USER_ERROR)
    finally:
        engine.drain()
        if stop.done() and engine.started and not serving.done():
            say(f"stopping: still answering for {drain_seconds:g} s")
            await asyncio.wait({serving}, timeout=drain_seconds)
        server.stop()
        if listener is not None:
            await listener.stop()
        await asyncio.wait({serving})
        stop.cancel()
        if payloads is not None:
            await payloads.close()
    if loader is not None and loader.watching is not None and loader.watching.done():
        last_words(f"following {catalogue} ended by itself: {loader.watching.exception()!r}", termination_log)
        return FAILED
    if not stopping.is_set():
        reason = serving.exception() or "see the log"
        last_words(f"the HTTP server on {host}:{port} ended by itself: {reason}", termination_log)
        return FAILED
    say("stopped")
    return OK


def _loader(models: Models, catalogue: Path, folder: Path, fetcher: Path) -> Loader:
    # Import only now: it needs pydantic, which a server of one model does without.
    from modelyard_server.loader import Loader

    return Loader(models, catalogue, folder, fetcher)


async def _listener(engine: Engine, models: Models, address: str, termination_log: Path) -> Listener:
    """Starts the gRPC server and returns it; ends the process if it can't listen on ``address``."""
    # Imported while another thread loads the model: this import takes as long as all the others.
    from modelyard_server.rpc.listener import Listener

    server = Listener(engine, models)
    try:
        await server.start(address)
    except (RuntimeError, OSError) as error:
        last_words(f"the gRPC server can't listen on {address}: {error}", termination_log)
        leave(FAILED)
    say(f"listening on {address} for gRPC")
    return server


def _loaded(models: Models) -> str:
    slots = [slot for slot in models if slot.model is not None]
    if len(slots) == 1:
        slot = slots[0]
        assert slot.model is not None
        return f"{slot.name} version {slot.version}, {slot.model.manifest.digest}"
    return f"{len(slots)} models"
