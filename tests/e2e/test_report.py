"""Checks that the report of a DatasetVersion opens by the two commands that the documentation names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.browsers import browsers
from tests.support.forward import forwarded
from tests.support.scene import Scene

pytestmark = pytest.mark.cluster
SYSTEM, SERVICE, PORT = "modelyard-system", "modelyard-tracking", 5000


def test_it_opens_behind_a_port_forward(scene: Scene, tmp_path: Path) -> None:
    kube = scene.kube
    version = kube.until("a version", lambda: kube.list("datasetversions"))[0]["metadata"]["name"]
    kube.until_condition("datasetversion", version)
    url = kube.run("get", "datasetversion", version, "-o", "jsonpath={.status.report.url}")
    assert (urlsplit(url).hostname, urlsplit(url).port) == ("localhost", PORT), kube.picture()
    with forwarded(kube.cluster, SYSTEM, SERVICE, PORT) as port, browsers(1, tmp_path) as (browser,):
        page = browser.new_page()
        answer = page.goto(url.replace(f"localhost:{PORT}", f"127.0.0.1:{port}"))
        assert answer is not None
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert page.locator("h1").inner_text() == version
        assert page.locator(".columns tbody tr").count() == 3
