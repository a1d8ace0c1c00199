"""Checks the wheels that a script asks for: locked, beside the runtime's own, and told when they can't be installed."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from modelyard_api.fields.artifact import sha256
from modelyard_runtime.pod import requirements
from modelyard_runtime.pod.errors import Retriable, UserError
from tests.support.wheels import write_wheel

FIELD = "spec.trainer.script.configMap.requirements"
HASH = "--hash=sha256:" + "0" * 64


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, which pip takes for all there is."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def wheel(folder: Path) -> str:
    """Writes a wheel; returns its line in a lock."""
    return f"answers==1.0 --hash={sha256(write_wheel(folder).read_bytes())}"


def test_a_locked_wheel_is_installed_and_the_runtimes_own_are_not(tmp_path: Path, wheelhouse: Path) -> None:
    line = wheel(wheelhouse).replace(" --hash", " \\\n    --hash")
    others = f"numpy=={version('numpy')} {HASH}\nnone==1 ; python_version < '3' {HASH}\n"
    text = f"# by uv\n{line}\n    # via nothing\n{others}"
    site = tmp_path / "work" / "site"
    requirements.install(text, site, FIELD)
    assert sorted(path.name for path in site.iterdir()) == ["answers-1.0.dist-info", "answers.py"]


@pytest.mark.parametrize(
    "line",
    ["answers", "answers==1.0", f"answers>=1.0 {HASH}", f"answers==1.* {HASH}", "-r other.txt", "--index-url http://x/",
     f"answers @ http://x/a.whl {HASH}", "answers==1.0 --hash=md5:0", "./answers", f"answers==1.0,==1.0 {HASH}"],
)  # fmt: skip
def test_what_is_not_locked_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError) as caught:
        requirements.install(f"# a lock\n\n{line}\n", tmp_path, FIELD)
    assert caught.value.reason == "RequirementNotLocked"
    assert f"{FIELD}: line 3, '{line[:20]}" in caught.value.message


def test_another_version_than_the_runtimes_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        requirements.install(f"NumPy==1.26.4 {HASH}", tmp_path, FIELD)
    assert caught.value.reason == "RequirementConflicts"
    assert f"the runtime has NumPy {version('numpy')}" in caught.value.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda line: line[:-8] + "00000000", "DO NOT MATCH THE HASHES"),
        (lambda line: line.replace("1.0", "2.0"), "No matching distribution found for answers==2.0"),
    ],
)
def test_what_pip_refuses_is_the_users_error(tmp_path: Path, wheelhouse: Path, change: object, says: str) -> None:
    assert callable(change)
    with pytest.raises(UserError) as caught:
        requirements.install(change(wheel(wheelhouse)), tmp_path / "site", FIELD)
    assert caught.value.reason == "RequirementNotInstalled"
    assert says in caught.value.message


def test_an_index_that_is_away_is_worth_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(Retriable) as caught:
        requirements.install(f"answers==1.0 {HASH}", tmp_path / "site", FIELD)
    assert caught.value.reason == "PackageIndexUnavailable"
    assert FIELD in caught.value.message
