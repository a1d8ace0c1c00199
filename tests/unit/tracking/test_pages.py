"""Checks with a real browser and the real server that the address of a report opens it."""

from __future__ import annotations

from pathlib import Path

from modelyard_api.fields.artifact import http_url
from modelyard_runtime.tables.report.page import report_of
from tests.support.browsers import browsers
from tests.unit.runtime.report.tables import birds, material_of
from tests.unit.tracking.conftest import World


def test_a_report_opens_where_status_says(world: World, tmp_path: Path) -> None:
    path = "modelyard/team/0000-11/version/report.html"
    assert world.person().file("PUT", path, report_of(material_of(birds(), "species", birds(1)))).status == 200
    said: list[str] = []
    with browsers(1, tmp_path) as (browser,):
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(http_url(f"http://127.0.0.1:{world.port}", f"mlflow-artifacts:/{path}"))
        assert page.locator("h1").inner_text() == "birds-ababababab"
        page.get_by_role("button", name="Shift").click()
        assert page.locator("th[aria-sort]").inner_text().startswith("Shift"), "its script did not run"
    assert not said
