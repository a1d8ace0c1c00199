"""Checks that a difference between two builds is told, and that no Dockerfile writes the time into bytecode."""

from __future__ import annotations

import pytest

from tests.common.say import CannotRun
from tests.localcluster.images import dockerfiles
from tests.supply.reproduce import Built, compared


def test_the_first_layer_that_differs_is_named() -> None:
    first = Built("sha256:1", ("a", "b", "c"))
    assert compared("operator", first, first) == "sha256:1"
    with pytest.raises(CannotRun, match="operator differs between two builds, first in layer 2: sha256:1 and sha256:2"):
        compared("operator", first, Built("sha256:2", ("a", "x", "y")))
    with pytest.raises(CannotRun, match="first in the configuration"):
        compared("operator", first, Built("sha256:2", ("a", "b", "c")))


@pytest.mark.parametrize("image", dockerfiles())
def test_bytecode_has_no_time_in_it(image: str) -> None:
    """The whole proof takes minutes: ``make reproduce``."""
    text = dockerfiles()[image].read_text().replace("\\\n", " ")
    commands = [line for line in text.splitlines() if line.startswith("RUN ")]
    assert any("pip install" in command for command in commands)
    for command in commands:
        installs = "pip install" in command and "SOURCE_DATE_EPOCH=0" not in command
        assert not installs or "--no-compile" in command
        if "-m venv" in command or "compileall" in command:
            assert "--invalidation-mode unchecked-hash" in command
