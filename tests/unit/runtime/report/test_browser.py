"""Checks reports in a real browser: they ask nobody for anything, fit on a phone, and work with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from modelyard_runtime.tables.report.page import report_of
from modelyard_tracking.pages import HEADERS
from tests.support.browsers import browsers
from tests.unit.runtime.report.tables import birds, hostile, material_of, wide

URL = "http://localhost:5000/report.html"
SERVED = {name.decode(): value.decode() for name, value in HEADERS.items()}
"""The headers with which the tracking server shows a report."""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAGES = {
    "three": report_of(material_of(birds().select(["species", "body_mass_g", "seen_at"]), "species")),
    "regression": report_of(material_of(birds(), "body_mass_g", birds(1))),
    "300": report_of(material_of(wide(300), "label", wide(300, 1000, 2))),
    "hostile": report_of(material_of(hostile(), "y", hostile(30))),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsers(1, tmp_path_factory.mktemp("home")) as (started,):
        yield started


@contextmanager
def opened(
    browser: Browser, body: bytes, width: int = 1200, scheme: str = "light", scripts: bool = True
) -> Iterator[Page]:
    """Opens a page as the tracking server shows it. Afterwards nothing else was asked for, and nothing complained."""
    asked: list[str] = []
    said: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=body, headers=SERVED) if route.request.url == URL else route.abort()

    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
    )
    try:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.route("**/*", answer)
        page.goto(URL)
        yield page
    finally:
        context.close()
    assert (asked, said) == ([URL], [])


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light")])
def test_it_reads_well(browser: Browser, name: str, width: int, scheme: str, tmp_path: Path) -> None:
    with opened(browser, PAGES[name], width, scheme) as page:
        if name != "300":
            page.get_by_role("button", name="Open all").click()
        assert page.evaluate(WIDER) == 0, "it must be scrolled sideways"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        heights = page.locator("details[open] .plot svg").evaluate_all("all => all.map(one => one.clientHeight)")
        assert all(height > 30 for height in heights)


def test_columns_are_sorted_and_filtered(browser: Browser) -> None:
    names = "all => all.filter(one => !one.hidden).map(one => one.cells[0].innerText)"
    with opened(browser, PAGES["300"]) as page:
        rows = page.locator(".columns tbody tr")
        first = rows.evaluate_all(names)
        page.get_by_role("button", name="Explains target").click()
        strongest = rows.evaluate_all(names)
        assert strongest != first
        assert sorted(strongest) == sorted(first)
        assert page.locator("th[aria-sort=descending]").inner_text().startswith("Explains target")
        page.get_by_role("button", name="Column", exact=True).click()
        assert rows.evaluate_all(names)[:2] == ["amount_1", "amount_101"]
        page.get_by_role("searchbox").fill("events_2")
        shown = rows.evaluate_all(names)
        assert shown
        assert all("events_2" in name for name in shown)
        assert page.locator("details:visible").count() == len(shown)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_link_opens_the_section_of_its_column(browser: Browser, scripts: bool) -> None:
    with opened(browser, PAGES["300"], scripts=scripts) as page:
        section = page.locator("details", has=page.locator("#c42"))
        assert not section.locator("figure").is_visible()
        page.get_by_role("link", name="events_42", exact=True).focus()
        page.keyboard.press("Enter")
        section.locator("figure").wait_for(state="visible")


def test_nothing_is_offered_that_needs_scripts_where_there_are_none(browser: Browser) -> None:
    with opened(browser, PAGES["three"], scripts=False) as page:
        assert not page.get_by_role("button").count()
        assert page.locator("details figure").first.is_visible()


def test_a_report_of_a_hostile_pod_does_nothing(browser: Browser) -> None:
    """It is served where MLflow is, with all rights there, if the browser would let it."""
    body = (
        b"<!doctype html><title>a</title><img src='/x' onerror='document.title=1'>"
        b"<script>document.title='ran'; fetch('/api/2.0/mlflow/experiments/search')</script>"
        b"<form action='/api'></form><iframe src='/'></iframe>"
    )
    seen = []
    with pytest.raises(AssertionError, match="Content Security Policy"), opened(browser, body) as page:
        seen += [page.title(), page.evaluate("window.origin")]
    assert seen == ["a", "null"]
