"""Checks that a cluster which can't run says why and what to do in one sentence, never with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.localcluster import binaries, paths, preflight
from tests.localcluster.paths import REPO
from tests.localcluster.say import CannotRun


@pytest.mark.parametrize(
    ("machine", "says"),
    [
        (("Darwin", 0, 100.0, True), r"runs on Linux only, this is Darwin: use a Linux machine, or install Docker"),
        (("Linux", 1000, 100.0, True), r"needs root for its namespaces, this is uid 1000: run it again with sudo"),
        (("Linux", 0, 24.0, True), r"24 GB are free and the first build may take 25 GB: free some space, or set MODEL"),
        (("Linux", 0, 7.0, False), r"7 GB are free and the nodes and their images may take 8 GB"),
    ],
)
def test_what_a_machine_lacks(machine: tuple[str, int, float, bool], says: str) -> None:
    with pytest.raises(CannotRun, match=says):
        preflight.check(*machine)


def test_no_space_for_an_addon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_free_gb", lambda folder: 3.0)
    with pytest.raises(CannotRun, match=r"3 GB are free and the addons' first build may take 6 GB"):
        preflight.check_space(6, "the addons' first build")


def test_a_machine_that_has_it_all() -> None:
    preflight.check("Linux", 0, 25.0, True)
    preflight.check("Linux", 0, 8.0, False)


def test_no_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match=r"Go is not installed.*install Go 1\.26 or newer"):
        binaries.check_go()


def test_an_old_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "go").write_text("#!/bin/sh\necho go1.22.3\n")
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(CannotRun, match=r"Go 1\.26 or newer is needed .*, this is go1\.22\.3"):
        binaries.check_go()


def test_no_apt_get(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preflight, "PACKAGES", {"nosuch": "/nosuch"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match=r"not installed: nosuch .* no apt-get: install"):
        preflight.install_packages()


@pytest.mark.parametrize("name", ["", "Yard", "1yard", "yard-", "a_b", "../up", "y" * 31])
def test_names(name: str) -> None:
    with pytest.raises(CannotRun, match="can't be a cluster's name: allowed are"):
        paths.state(name)


def test_a_path_that_no_socket_fits_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_STATE", "/" + "x" * 90)
    with pytest.raises(CannotRun, match=r"too long for the sockets .* set MODELYARD_STATE to a shorter one"):
        paths.state("yard")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["up", "--name", "Bad"], "error: --name 'Bad' can't be"),
        (["env", "--name", "nosuch"], "error: There is no cluster nosuch; start it with 'up --name nosuch'."),
        (["node", "stop", "1", "--name", "nosuch"], "error: There is no cluster nosuch"),
        (["kill", "--name", "nosuch"], "error: There is no cluster nosuch"),
        (["logs", "--name", "nosuch"], "error: There is no cluster nosuch"),
        (["addon", "gateway", "--name", "nosuch"], "error: There is no cluster nosuch; start it with 'up"),
        (["addon", "gateway", "--provider", "kwok"], "error: The nodes of modelyard are played, so no addon"),
        (["addon", "gateway-crds", "gateway", "--provider", "kwok"], "error: The nodes of modelyard are played, so no"),
        (["addon", "gateway-crds", "--name", "nosuch", "--provider", "kwok"], "error: There is no cluster nosuch"),
        (["addon", "gateway", "--provider", "current"], "error: The cluster of kubectl's current context is not ours"),
        (["addon", "gateway-crds", "--provider", "current"], "error: The cluster of kubectl's current context is not"),
        (["down", "--provider", "current"], "error: The cluster of kubectl's current context is not ours to remove"),
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
