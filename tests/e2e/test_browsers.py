"""Checks with two real browsers that nothing is lost that people type into a notebook whose pod is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.browsers import browsers
from tests.support.kube import Kube, Object
from tests.support.workspaces import TOKENS, Lab

# Browsers and a busy machine make people who type wait for their letters: nothing else runs beside them.
pytestmark = [pytest.mark.cluster, pytest.mark.quiet]
FILE = "a.ipynb"
CELL, DIALOG = ".jp-Notebook .cm-content", ".jp-Dialog"
NOTEBOOK: dict[str, Any] = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": "", "execution_count": None}],
    # Without a kernel the browser would ask for one, and wait.
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
TOLD = "The server can't be reached"
"""What a banner says. JupyterLab's own dialog would take the keys, and no word typed into it would be kept."""
BEFORE, AFTER = 8, 4
"""How often each of the two types a word before the pod is killed, and once the next one is Ready."""
PACE = 40
"""Milliseconds between two keys."""


class Typing:
    """Both people type words into the same cell, in turn."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages
        self.words: list[str] = []

    def both(self) -> None:
        for name, page in self.pages.items():
            self.words.append(f"{name}{len(self.words)};")
            page.keyboard.type(f"{self.words[-1]} ", delay=PACE)
            assert not page.locator(DIALOG).count(), f"a dialog takes the keys of {name}: {page.inner_text(DIALOG)}"

    def missing(self) -> list[str]:
        """Returns the words that a browser does not show once."""
        return [word for page in self.pages.values() for word in self.not_once(text_of(page))]

    def not_once(self, text: str) -> list[str]:
        return [word for word in self.words if text.count(word) != 1]


@pytest.fixture
def lab(kube: Kube) -> Iterator[Lab]:
    lab = Lab(kube)
    for name in TOKENS:
        lab.put_token(name)
    lab.put_volume()
    try:
        lab.put()
        lab.until_ready()
        yield lab
    finally:
        lab.remove_volumes()


def test_no_word_is_lost_when_the_pod_is_killed_while_two_people_type(lab: Lab, tmp_path: Path) -> None:
    kube = lab.kube
    document = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    assert lab.ask("PUT", f"/api/contents/{FILE}", TOKENS["kim"], document)[0] == 201
    with browsers(len(TOKENS), tmp_path) as started:
        pages = {name: browser.new_page() for name, browser in zip(TOKENS, started, strict=True)}
        for name, page in pages.items():
            page.goto(f"{lab.url()}/lab/workspaces/{name}/tree/{FILE}?token={TOKENS[name]}", timeout=120_000)
        for page in pages.values():
            page.locator(CELL).first.click(timeout=120_000)
        typing = Typing(pages)
        for _ in range(BEFORE):
            typing.both()
        kube.until("each sees what the other types", lambda: not typing.missing(), 60)
        killed = lab.pod()
        assert killed is not None
        kube.delete("pod", killed["metadata"]["name"], gracePeriodSeconds=0)

        def type_until_it_is_followed() -> bool:
            typing.both()
            return is_followed(lab, killed)

        kube.until("another pod answers", type_until_it_is_followed, 180, every=0)
        assert len(typing.words) > BEFORE * len(TOKENS), "nothing was typed while no pod answered"
        for _ in range(AFTER):
            typing.both()
        kube.until("each sees all words", lambda: not typing.missing(), 120)
        kube.until("the file has all words", lambda: not typing.not_once(saved(lab)), 60)

        alone = pages["lee"]
        alone.context.set_offline(True)
        alone.get_by_text(TOLD).first.wait_for(timeout=120_000)
        typing.both()
        alone.context.set_offline(False)
        alone.get_by_text(TOLD).first.wait_for(state="detached", timeout=120_000)
        kube.until("each sees what lee typed without the network", lambda: not typing.missing(), 120)
    lab.until_ready()


def text_of(page: Page) -> str:
    return page.locator(CELL).first.inner_text()


def is_followed(lab: Lab, killed: Object) -> bool:
    """Returns whether another pod is there, and answers."""
    pod = lab.pod()
    return pod is not None and pod["metadata"]["uid"] != killed["metadata"]["uid"] and bool(saved(lab))


def saved(lab: Lab) -> str:
    """Returns the text that the file has; an empty one if the server doesn't answer."""
    code, answer = lab.ask("GET", f"/api/contents/{FILE}?content=1", TOKENS["kim"])
    return "".join(cell["source"] for cell in answer["content"]["cells"]) if code == 200 else ""
