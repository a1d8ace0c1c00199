"""Starts operators fast: ``python -m tests.harness.faults.fork`` imports the operator once, and forks on demand.

Each line of JSON on stdin, {"environment": {...}, "log": path, "broken": rule or null}, forks one process, whose pid is
printed as a line on stdout. The fork runs ``modelyard.main.main`` as ``python -m modelyard.main`` does, and is killed
when this process ends.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from typing import Any, NoReturn

from modelyard import kinds
from modelyard import main as operator
from tests.harness.faults.broken import RULES

_PR_SET_PDEATHSIG = 1


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the forks that have ended
    kinds.modules()  # otherwise each fork would import, and perhaps compile, them again
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line))
        print(pid, flush=True)


def _become(order: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(order["environment"])
        if order["broken"]:
            RULES[order["broken"]]()
        operator.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
