"""Checks what a document of an image's content says, and that it is refused where image and lock differ."""

from __future__ import annotations

from typing import Any

import pytest

from tests.common.say import CannotRun
from tests.supply.inside import content
from tests.supply.sbom import Content, whole

LOCKED: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "components": [{"bom-ref": "requirements-L1", "name": "PyYAML", "version": "6.0", "purl": "pkg:pypi/pyyaml@6.0"}],
    "metadata": {"tools": {}},
}
FOUND = Content("debian-12", (("zlib1g", "1:1.2.13-1+b1", "amd64"),), (("pip", "23.0"), ("pyyaml", "6.0")))


def purls(document: dict[str, Any]) -> list[str]:
    return [item["purl"] for item in document["components"]]


def test_it_has_what_is_locked_and_what_the_image_has_beside_it() -> None:
    document = whole("operator", LOCKED, FOUND)
    deb = "pkg:deb/debian/zlib1g@1%3A1.2.13-1%2Bb1?arch=amd64&distro=debian-12"
    assert purls(document) == ["pkg:pypi/pyyaml@6.0", "pkg:pypi/pip@23.0", deb]
    assert document["metadata"] == {
        "tools": {},
        "component": {"type": "container", "bom-ref": "image-operator", "name": "modelyard/operator"},
    }
    assert document["compositions"] == [{"aggregate": "complete", "assemblies": ["image-operator"]}]
    image, *others = document["dependencies"]
    assert image["dependsOn"] == sorted(item["ref"] for item in others)
    assert len(others) == 3


def test_an_image_that_could_not_be_asked_makes_an_incomplete_document() -> None:
    document = whole("operator", LOCKED, None)
    assert purls(document) == ["pkg:pypi/pyyaml@6.0"]
    assert document["compositions"][0]["aggregate"] == "incomplete"


@pytest.mark.parametrize("python", [(), (("pyyaml", "5.4"),)], ids=["missing", "another version"])
def test_an_image_of_another_lock_is_refused(python: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(CannotRun, match=r"the image operator is not what its requirements lock.*pyyaml"):
        whole("operator", LOCKED, Content("debian-12", (), python))


def test_the_content_is_read_from_the_images_own_tools() -> None:
    answers = {
        "sh": "debian-12\n",
        "dpkg-query": "zlib1g:amd64\t1:1.2.13-1\tamd64\napt\t2.6\tamd64\n",
        "/venv/bin/python": '[["b", "2"], ["a", "1"]]',
    }
    found = content(lambda argv: answers[argv[0]])
    assert found == Content(
        "debian-12", (("apt", "2.6", "amd64"), ("zlib1g", "1:1.2.13-1", "amd64")), (("a", "1"), ("b", "2"))
    )
