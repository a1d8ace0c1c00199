"""Debian's Chromium, without installing it, driven by Playwright."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.common.paths import REPO
from tests.support.debian import libraries, unpacked

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""Tests run as root, where Chromium has no sandbox, and on machines without a screen."""


@contextmanager
def browsers(count: int, home: Path) -> Iterator[list[Browser]]:
    """Runs that many browsers, in the network of the caller, until the context ends."""
    # Download in a separate process: this one may be in a cluster's network.
    debian = [sys.executable, "-m", "tests.support.debian", "--with-dependencies", "chromium"]
    subprocess.run(debian, cwd=REPO, check=True)
    root = unpacked("chromium", with_dependencies=True)
    environment = {**os.environ, "HOME": str(home), "LD_LIBRARY_PATH": libraries(root, "pulseaudio")}
    with sync_playwright() as playwright, ExitStack() as stack:
        started = []
        for _ in range(count):
            browser = playwright.chromium.launch(
                executable_path=root / "usr/lib/chromium/chromium", env=environment, args=ARGUMENTS
            )
            stack.callback(browser.close)
            started.append(browser)
        yield started
