"""Checks the documents of what is in an image, on an image that is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.localcluster.images import reference
from tests.supply.inside import content, of_this_machine
from tests.supply.sbom import write

pytestmark = pytest.mark.cluster


def test_a_document_has_each_package_of_the_image(cluster: str, tmp_path: Path) -> None:
    found = content(of_this_machine(reference("operator")))
    path = write("operator", found, tmp_path / "first")
    document = json.loads(path.read_text())
    assert document["compositions"][0]["aggregate"] == "complete"
    purls = [item["purl"] for item in document["components"]]
    assert len(purls) == len(set(purls)) == len(found.python) + len(found.debian)
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in purls)
    assert any(purl.startswith("pkg:pypi/kopf@") for purl in purls)
    assert write("operator", found, tmp_path / "second").read_bytes() == path.read_bytes()
