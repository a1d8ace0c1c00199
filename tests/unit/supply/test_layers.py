"""Checks that images share the layer of the runtime's libraries: a node pulls it once for all of them."""

import re

import pytest

from tests.common.paths import REPO
from tests.localcluster.images import dockerfiles

SHARED = "images/runtime/requirements.txt"
IMAGES = [name for name, path in dockerfiles().items() if SHARED in path.read_text()]


def first_layers(image: str) -> str:
    """Returns the instructions that install the runtime's libraries, from which BuildKit makes the layer."""
    text = re.sub(r"^#.*\n", "", dockerfiles()[image].read_text(), flags=re.M)
    return text[: text.index("rm /tmp/requirements.txt")]


def pins(image: str) -> set[str]:
    text = (REPO / "images" / image / "requirements.txt").read_text()
    return set(re.findall(r"^([\w.-]+(?:\[[\w,-]+\])?==[^\s\\;]+)", text, re.M))


def test_what_runs_the_code_of_users_shares_it() -> None:
    assert IMAGES == ["builder", "ingest", "runtime", "workspace"]


@pytest.mark.parametrize("image", IMAGES)
def test_the_layer_is_the_same(image: str) -> None:
    assert first_layers(image) == first_layers("runtime")
    assert pins(image) >= pins("runtime"), "another version would be in the image twice: run 'make lock'"
    assert len(pins("runtime")) > 20
