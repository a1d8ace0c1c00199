"""Checks what the pods of a PipelineSource do, with a real git server and a real registry."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.kinds.pipelinesource import PipelineSourceSpec
from modelyard_api.wire.result import SourceResult
from modelyard_api.wire.task import SourceTask
from modelyard_runtime.commands import source
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.source import git, isolation, manifests, testing
from tests.common.ports import free_port
from tests.support.git_server import PASSWORD, USER, GitServer, Repository, git_server
from tests.support.registry import RunningRegistry, registry
from tests.support.wheels import wheel
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore

MANIFEST = """
apiVersion: modelyard.dev/v1alpha1
kind: Model
metadata: {name: churn, annotations: {bundle: $(bundle.image), short: $(commit.short)}}
spec: {task: Classification}
"""
GREEN: dict[str, str | bytes | None] = {
    "acme/train.py": "def answer():\n    return 42\n",
    "acme/__init__.py": "",
    "tests/test_train.py": "from acme.train import answer\n\ndef test_answer():\n    assert answer() == 42\n",
    "manifests/model.yaml": MANIFEST,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with registry(tmp_path_factory.mktemp("registry"), f"127.0.0.1:{free_port()}") as running:
        yield running


class Pod:
    """The folders of a pod, and a repository whose commits it builds."""

    def __init__(self, folder: Path, repository: Repository, server: GitServer, monkeypatch: Any) -> None:
        self.repository, self.server = repository, server
        self.work, self.bundle, self.report, self.secrets = (folder / name for name in ("w", "bundle", "report", "git"))
        for path in (self.work, self.bundle, self.report, self.secrets):
            path.mkdir(parents=True)
        (self.secrets / "username").write_text(USER)
        (self.secrets / "password").write_text(PASSWORD)
        for module in (git, testing, source):
            monkeypatch.setattr(module, "WORK_FOLDER", str(self.work))
        monkeypatch.setattr(git, "GIT_FOLDER", str(self.secrets))
        monkeypatch.setattr(source, "_BUNDLE", self.bundle)
        monkeypatch.setattr(source, "_REPORT", self.report)

    def task(self, commit: str | None = None, host: str = "registry.invalid", **spec: Any) -> SourceTask:
        address = {"url": f"{self.server.url}/{self.repository.name}", "secretRef": {"name": "git"}}
        whole = {
            "git": {**address, **spec.pop("git", {})},
            "bundle": {"repository": f"{host}/acme/churn", "plainHttp": True},
            "targets": [{"name": "here"}],
            **spec,
        }
        return SourceTask(
            subject=SUBJECT,
            tracking_url=URL,
            base_uri=f"{STORE}/s",
            result_uri=f"{STORE}/s/result.json",
            spec=PipelineSourceSpec.model_validate(whole),
            commit=commit,
            key="k" * 32,
        )

    def build(self, task: SourceTask) -> SourceResult:
        """Does what the containers of a build pod do, but with the network: this process needs it further on."""
        store = MemoryStore()
        source.fetch(task, store)
        source.build(task, store)
        testing.run(task.spec.test, self.bundle, self.report)
        return source.push(task, store)


@pytest.fixture
def pod(tmp_path: Path, server: GitServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return Pod(tmp_path, server.repository(request.node.name[:60].replace("[", "-")), server, monkeypatch)


def refused(call: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value


def test_a_ref_is_looked_up(pod: Pod) -> None:
    commit = pod.repository.commit(GREEN)
    store = MemoryStore()
    assert source.look(pod.task(), store).commit == commit
    pod.repository.run("tag", "-a", "v1", "-m", "first")
    pod.repository.run("push", "--quiet", "origin", "v1")
    pod.repository.commit({"x": "y"})
    assert source.look(pod.task(git={"ref": "v1"}), store).commit == commit, "the commit of the tag, not the tag itself"
    assert source.look(pod.task(git={"ref": "refs/heads/main"}), store).commit != commit
    error = refused(lambda: source.look(pod.task(git={"ref": "gone"}), store))
    assert (error.reason, error.field) == ("RefNotFound", "spec.git.ref")


def test_who_may_not_read_is_told_so_and_no_password_is(pod: Pod) -> None:
    commit = pod.repository.commit(GREEN)
    (pod.secrets / "password").write_text("guessed")
    for task in (pod.task(), pod.task(git={"secretRef": None})):
        error = refused(lambda task=task: source.look(task, MemoryStore()))
        assert error.reason == "GitUnauthorized"
        assert "guessed" not in error.message
    assert refused(lambda: source.fetch(pod.task(commit), MemoryStore())).reason == "GitUnauthorized"


def test_a_server_that_is_away(pod: Pod) -> None:
    pod.server.down = True
    try:
        assert refused(lambda: source.look(pod.task(), MemoryStore())).reason == "GitUnavailable"
    finally:
        pod.server.down = False
    gone = {"url": f"http://127.0.0.1:{free_port()}/x.git"}
    assert refused(lambda: source.look(pod.task(git=gone), MemoryStore())).reason == "GitUnavailable"


def test_one_folder_of_a_commit_is_fetched(pod: Pod) -> None:
    commit = pod.repository.commit({f"one/{name}": text for name, text in GREEN.items()} | {"two/big": "x" * 100_000})
    source.fetch(pod.task(commit, git={"path": "one"}), MemoryStore())
    names = {str(path.relative_to(pod.bundle / "src")) for path in (pod.bundle / "src").rglob("*") if path.is_file()}
    assert names == set(GREEN)
    error = refused(lambda: source.fetch(pod.task(commit, git={"path": "three"}), MemoryStore()))
    assert error.reason == "PathNotFound"


def test_what_can_not_be_bundled_is_refused(pod: Pod) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    commit = pod.repository.commit({**GREEN, "data.bin": pointer})
    error = refused(lambda: source.fetch(pod.task(commit), MemoryStore()))
    assert (error.reason, "data.bin" in error.message) == ("LfsRefused", True)
    pod.repository.commit({"data.bin": None})
    copy = pod.repository._copy
    (copy / "link").symlink_to("/etc/passwd")
    commit = pod.repository.commit({})
    assert refused(lambda: source.fetch(pod.task(commit), MemoryStore())).reason == "SymlinkRefused"
    (copy / "link").unlink()
    pod.repository.run("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    pod.repository.run("commit", "--quiet", "-m", "sub")
    pod.repository.run("push", "--quiet", "origin", "HEAD:refs/heads/main")
    commit = pod.repository.run("rev-parse", "HEAD").strip()
    error = refused(lambda: source.fetch(pod.task(commit), MemoryStore()))
    assert (error.reason, "sub" in error.message) == ("SubmodulesRefused", True)


def test_a_green_commit_becomes_a_bundle_and_twice_the_same(
    pod: Pod, images: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, data, digest = wheel(
        "greeting", {"greeting/__init__.py": "WORD = 'hello'\n"}, scripts={"greet": "greeting:x"}
    )
    lock = f"greeting==1.0 --hash=sha256:{digest}\n"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(pod.bundle / "src/wheels"))
    test = "import greeting\n\ndef test_library():\n    assert greeting.WORD == 'hello'\n"
    files = {**GREEN, "lock.txt": lock, f"wheels/{name}": data, "tests/test_library.py": test}
    task = pod.task(pod.repository.commit(files), images.host, build={"requirements": "lock.txt"})
    result = pod.build(task)
    assert [(check.name, check.passed, check.message) for check in result.checks] == [
        ("tests", True, "2 tests passed"),
        ("manifests", True, "1 objects"),
    ]
    assert result.image == f"{images.host}/acme/churn@{result.digest}"
    annotations = result.manifests[0].metadata.annotations
    assert annotations == {"bundle": result.image, "short": result.commit[:12]}
    assert pod.build(task).digest == result.digest
    manifest = images.manifest("acme/churn", str(result.digest))
    assert images.manifest("acme/churn", f"{result.commit[:12]}-{'k' * 12}") == manifest
    names, modes = set(), set()
    for layer in manifest["layers"]:
        file = pod.work / "layer"
        file.write_bytes(images.blob("acme/churn", layer["digest"]))
        with tarfile.open(file) as tar:
            names |= {member.name for member in tar}
            modes |= {(member.uid, member.mtime) for member in tar}
    assert {"bundle.json", "src/acme/train.py", "site/greeting/__init__.py"} <= names
    assert any(item.startswith("site/greeting/__pycache__/") for item in names)
    assert not any(".git/" in item or item.startswith("site/bin") for item in names)
    assert modes == {(65532, 0)}


def test_a_lock_that_is_wrong_or_an_index_that_is_away(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(lock: str, file: str = "lock.txt") -> None:
        task = pod.task(pod.repository.commit({**GREEN, "lock.txt": lock}), build={"requirements": file})
        source.fetch(task, MemoryStore())
        source.build(task, MemoryStore())

    good = f"greeting==1.0 --hash=sha256:{'0' * 64}\n"
    assert refused(lambda: build(good, "other.txt")).reason == "RequirementsNotFound"
    error = refused(lambda: build("greeting==1.0\n"))
    assert (error.reason, error.field) == ("RequirementNotLocked", "spec.build.requirements")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{free_port()}/simple")
    with pytest.raises(Retriable, match="index can't be reached"):
        build(good)


RED = [
    ("def test_shape():\n    assert 1 == 2\n", {}, "1 of 2 tests failed: tests.test_red::test_shape: assert 1 == 2"),
    ("import time\ndef test_hangs():\n    time.sleep(600)\n", {"testTimeoutSeconds": 1}, "test_hangs: Failed: Timeout"),
    (
        "import signal, time\ndef test_deaf():\n    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "    time.sleep(600)\n",
        {"testTimeoutSeconds": 3, "timeoutSeconds": 30, "arguments": ["-v"]},
        "did not end within test.timeoutSeconds (30)",
    ),
    ("import nowhere\n", {}, "No module named"),
    ("import os\ndef test_dies():\n    os._exit(3)\n", {}, "pytest ended with 3 and left no report"),
]


@pytest.mark.parametrize(("test", "spec", "says"), RED, ids=["fails", "hangs", "deaf", "broken", "dies"])
def test_a_red_commit_is_not_pushed_and_names_the_test(pod: Pod, test: str, spec: dict[str, Any], says: str) -> None:
    commit = pod.repository.commit({**GREEN, "tests/test_red.py": test})
    result = pod.build(pod.task(commit, test=spec))
    (check, _) = result.checks
    assert (check.passed, result.image) == (False, None)
    assert says in check.message
    if "deaf" in test:
        assert "test_deaf" in check.message


def test_without_tests_nothing_is_delivered(pod: Pod) -> None:
    result = pod.build(pod.task(pod.repository.commit({"manifests/m.yaml": MANIFEST})))
    assert "pytest found no tests" in result.checks[0].message


def test_a_report_is_not_trusted(tmp_path: Path) -> None:
    spec = PipelineSourceSpec.model_fields["test"].default_factory()  # type: ignore[misc, call-arg]
    (tmp_path / testing.ENDED).write_text('{"code": 1, "tail": "x"}')
    bomb = '<!DOCTYPE a [<!ENTITY b "bb">]><testsuite><testcase name="&b;"><failure/></testcase></testsuite>'
    for text in (bomb, "<testsuite>", "x" * (9 * 1024 * 1024), ""):
        (tmp_path / testing.REPORT).write_text(text)
        check = testing.read(spec, tmp_path)
        assert not check.passed
        assert "left no report that can be read" in check.message
    # Beside the report lie files of ``push`` that the tests' own container doesn't have.
    (tmp_path / "password").write_text((tmp_path / testing.ENDED).read_text())
    (tmp_path / testing.ENDED).unlink()
    (tmp_path / testing.ENDED).symlink_to(tmp_path / "password")
    assert "the tests left no report" in testing.read(spec, tmp_path).message
    (tmp_path / testing.ENDED).unlink()
    (tmp_path / testing.ENDED).write_text("[]")
    assert not testing.read(spec, tmp_path).passed


def test_tests_have_no_network_but_what_they_need(tmp_path: Path) -> None:
    program = """
    import asyncio, multiprocessing, socket, subprocess, sys
    from modelyard_runtime.source.isolation import leave_the_network
    leave_the_network()
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
        try:
            socket.socket(family)
        except PermissionError:
            continue
        sys.exit(f"{family} is possible")
    socket.socketpair()
    asyncio.run(asyncio.sleep(0))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
    code = "import socket; socket.create_connection(('127.0.0.1', 1))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "PermissionError" in child.stderr, child.stderr
    print("alone")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout == "alone\n", done.stderr
    assert isolation.leave_the_network is not None


BAD = [
    ("kind: Job\napiVersion: batch/v1\n", "apiVersion 'batch/v1' is not delivered"),
    (MANIFEST.replace("Model", "PipelineSource"), "kind 'PipelineSource' is not delivered"),
    (MANIFEST.replace("name: churn", "name: churn, namespace: other"), "metadata.namespace can't be set"),
    (MANIFEST.replace("name: churn", "name: churn, ownerReferences: []"), "metadata.ownerReferences can't be set"),
    (MANIFEST.replace("short:", "modelyard.dev/commit:"), "is one of the operator's own"),
    (MANIFEST.replace("$(commit.short)", "$(commit.long)"), "$(commit.long) is not known; there are $(bundle.image)"),
    (MANIFEST + "---" + MANIFEST, "Model churn stands there twice"),
    (MANIFEST.replace("{task: Classification}", "{task: 2026-01-01}"), "in quotes"),
    (MANIFEST.replace("{task: Classification}", "{a: &a [x], b: *a}"), "aliases"),
    (MANIFEST + "status: {}\n", "must, have"),
    ("{", "it is not YAML"),
    ("- 1\n", "is not delivered"),
]


@pytest.mark.parametrize(("text", "says"), BAD, ids=[says for _, says in BAD])
def test_a_manifest_that_can_not_be_delivered_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/x.yaml").write_text(text)
    values = dict.fromkeys(manifests.PLACEHOLDERS, "v")
    with pytest.raises(manifests.BadManifest, match="manifests") as caught:
        manifests.read(tmp_path, values)
    assert says in str(caught.value)


def test_other_brackets_of_a_manifest_stay(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/x.yaml").write_text(MANIFEST.replace("$(commit.short)", "$(HOME) $(commit)s"))
    (found,) = manifests.read(tmp_path, {"bundle.image": "i", "commit": "c"})
    assert found["metadata"]["annotations"] == {"bundle": "i", "short": "$(HOME) cs"}
