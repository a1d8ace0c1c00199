"""Checks that a cluster which can't run says why and what to do in one sentence, never with a traceback."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.common.paths import REPO
from tests.common.say import CannotRun
from tests.localcluster import binaries, engine, machine, paths


@pytest.mark.parametrize(
    ("uid", "apt", "says"),
    [
        (0, None, r"and this is no Debian or Ubuntu: install Docker .*, and start it"),
        (1000, "apt-get", r"to uid 1000: install Docker .* and join the group docker, or run this as root"),
    ],
)
def test_what_a_machine_without_an_engine_lacks(
    uid: int, apt: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("shutil.which", lambda program: apt)
    with pytest.raises(CannotRun, match=says):
        machine.check(private=True)
    machine.check(private=False)


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    with pytest.raises(
        CannotRun, match=r"runs on Linux, .* and this is Darwin: use a Linux machine, or install Modelyard"
    ):
        machine.check(private=False)


def test_an_engine_that_was_named_and_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nosuch.sock")
    monkeypatch.setattr(engine, "FOLDER", tmp_path / "none")
    with pytest.raises(CannotRun, match=r"at DOCKER_HOST, which is unix:///nosuch.sock: start it, or unset"):
        engine.private.__wrapped__()


def test_no_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=3e9))
    with pytest.raises(CannotRun, match=r"3 GB are free and the addons' first build may take 6 GB: free some space"):
        machine.check_space(6, "the addons' first build")


def test_no_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match=r"Go is not installed.*install Go 1\.26 or newer"):
        binaries.build(binaries.install("nosuch", ["example.com/nosuch@v1"]))


@pytest.mark.parametrize("name", ["", "Yard", "1yard", "yard-", "a_b", "../up", "y" * 31])
def test_names(name: str) -> None:
    with pytest.raises(CannotRun, match="can't be a cluster's name: allowed are"):
        paths.state(name)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["up", "--name", "Bad"], "error: --name 'Bad' can't be"),
        (
            ["env", "--name", "nosuch"],
            "error: There is no cluster nosuch: 'python3 -m tests.localcluster up --name nosuch'.",
        ),
        (["logs", "--name", "nosuch"], "error: There is no cluster nosuch"),
        (["addon", "gateway", "--name", "nosuch"], "error: There is no cluster nosuch: 'python3"),
        (["addon", "gateway-crds", "--name", "nosuch"], "error: There is no cluster nosuch"),
    ],
)
def test_the_command_ends_with_a_sentence(command: list[str], says: str, tmp_path: Path) -> None:
    environment = {**os.environ, "MODELYARD_STATE": str(tmp_path), "MODELYARD_CACHE": str(tmp_path / "cache")}
    argv = [sys.executable, "-m", "tests.localcluster", *command]
    done = subprocess.run(argv, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
