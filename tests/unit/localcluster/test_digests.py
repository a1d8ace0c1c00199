"""Checks the caches' keys: equal for equal content, and different after every change that matters."""

import dataclasses
from pathlib import Path

import pytest

from tests.localcluster import binaries
from tests.localcluster.digests import copied, digest, files
from tests.localcluster.say import CannotRun

DOCKERFILE = """\
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE} AS build
# COPY not/this /app
COPY images/server/requirements.txt \\
     /tmp/requirements.txt
COPY --chown=65532:65532 crds/api /app/api
COPY --from=build /venv /venv
COPY ["images/server/main.py", "/app/"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for path in ("images/server/requirements.txt", "images/server/main.py", "crds/api/a.py", "crds/api/sub/b.py", "x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"content of {path}\n")
    (tmp_path / "images/server/Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def key(context: Path, base: str = "base") -> str:
    return digest(context / "images/server/Dockerfile", context, base)


def test_what_a_dockerfile_copies() -> None:
    assert copied(DOCKERFILE) == ["images/server/requirements.txt", "crds/api", "images/server/main.py"]


def test_a_path_with_a_variable_is_refused() -> None:
    with pytest.raises(CannotRun, match=r"COPY \$SOURCE /app"):
        copied("FROM scratch\nCOPY $SOURCE /app\n")


def test_a_missing_file_is_named(context: Path) -> None:
    with pytest.raises(CannotRun, match="'crds/none'"):
        files(["crds/none"], context)


@pytest.mark.parametrize(
    "changed",
    ["images/server/requirements.txt", "images/server/main.py", "crds/api/sub/b.py", "images/server/Dockerfile"],
)
def test_a_change_of_what_is_copied_changes_the_key(context: Path, changed: str) -> None:
    before = key(context)
    (context / changed).write_text((context / changed).read_text() + "# more\n")
    assert key(context) != before


def test_new_names_new_files_and_another_base_change_the_key(context: Path) -> None:
    before = key(context)
    assert key(context, base="other") != before
    (context / "crds/api/c.py").touch()
    with_empty_file = key(context)
    assert with_empty_file != before
    (context / "crds/api/c.py").rename(context / "crds/api/d.py")
    assert key(context) not in (before, with_empty_file)


def test_other_files_do_not_change_the_key(context: Path) -> None:
    before = key(context)
    (context / "x").write_text("else")
    (context / "crds/api/__pycache__").mkdir()
    (context / "crds/api/__pycache__/a.cpython-311.pyc").write_text("compiled")
    assert key(context) == before


def test_every_input_of_a_program_changes_its_key(tmp_path: Path) -> None:
    source = tmp_path / "main.go"
    source.write_text("package main\n")
    program = binaries.Program("p", ("build", "-v"), ("p",), ("q",), (source,))
    keys = {program.key()}
    for change in ({"arguments": ("build",)}, {"links": ()}, {"sources": ()}):
        keys.add(dataclasses.replace(program, **change).key())
    assert program.key() in keys
    source.write_text("package main // changed\n")
    keys.add(program.key())
    assert len(keys) == 5


def test_versions_are_in_the_keys_and_flags() -> None:
    hyperkube = binaries.programs()["hyperkube"]
    assert "gitVersion=v1.37.2" in " ".join(hyperkube.arguments)
    assert {path.name for path in hyperkube.sources} == {"go.mod", "go.sum", "main.go"}
