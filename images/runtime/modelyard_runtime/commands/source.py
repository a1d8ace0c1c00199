"""The commands of a PipelineSource's pods: ``look``, and in one pod ``fetch``, ``build``, ``test`` and ``push``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from modelyard_api.kinds.pipelinesource import Check
from modelyard_api.wire.result import SourceResult
from modelyard_api.wire.task import BUNDLE_FOLDER, REPORT_FOLDER, WORK_FOLDER, SourceTask
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.source import git, libraries, manifests, pack
from modelyard_runtime.source.registry import Registry

_BUNDLE, _REPORT = Path(BUNDLE_FOLDER), Path(REPORT_FOLDER)


def look(task: SourceTask, _: ArtifactStore) -> SourceResult:
    """Returns the commit of the ref."""
    return SourceResult(commit=git.look_up(task.spec.git))


def fetch(task: SourceTask, _: ArtifactStore) -> None:
    """Puts the commit's folder into the bundle."""
    assert task.commit is not None
    git.fetch(task.spec.git, task.commit, _BUNDLE / "src")


def build(task: SourceTask, _: ArtifactStore) -> None:
    """Installs the locked libraries into the bundle, and compiles all of it. Runs no code of the user's."""
    sources, site = _BUNDLE / "src", _BUNDLE / "site"
    shutil.rmtree(site, ignore_errors=True)  # of an earlier try
    site.mkdir()
    if task.spec.build.requirements:
        libraries.install(sources / task.spec.build.requirements, site)
    libraries.compile_all(site, "site")
    libraries.compile_all(sources, "src")


def test(task: SourceTask, _: ArtifactStore) -> None:
    """Runs the tests without a network. What came of them is for ``push``: their code runs in this container, which
    therefore has no identity."""
    from modelyard_runtime.source import isolation, testing

    if not (_BUNDLE / "src").is_dir():
        say("nothing was fetched: an earlier pod has left its result")
        return
    isolation.leave_the_network()
    testing.run(task.spec.test, _BUNDLE, _REPORT)


def push(task: SourceTask, _: ArtifactStore) -> SourceResult:
    """Pushes the bundle of a commit that has passed all checks."""
    from modelyard_runtime.source import testing

    assert task.commit is not None
    checks = [testing.read(task.spec.test, _REPORT)]
    values = dict.fromkeys(manifests.PLACEHOLDERS, "x")
    try:
        found = manifests.read(_BUNDLE / "src", values)
        checks.append(Check(name="manifests", passed=True, message=f"{len(found)} objects"))
    except manifests.BadManifest as error:
        checks.append(Check(name="manifests", passed=False, message=str(error)[:1000]))
    if not all(check.passed for check in checks):
        return SourceResult(commit=task.commit, checks=checks)
    image, digest = _push(task, task.commit)
    values = {"bundle.image": image, "bundle.digest": digest, "commit": task.commit, "commit.short": task.commit[:12]}
    filled = manifests.read(_BUNDLE / "src", values)
    return SourceResult(commit=task.commit, checks=checks, image=image, digest=digest, manifests=filled)


def _push(task: SourceTask, commit: str) -> tuple[str, str]:
    """Returns the bundle's name and digest."""
    work = Path(WORK_FOLDER)
    marker = work / "bundle.json"
    marker.write_bytes(pack.marker(commit, task.key))
    site = pack.layer([("site", _BUNDLE / "site")], work / "site.tar.gz")
    sources = pack.layer([("bundle.json", marker), ("src", _BUNDLE / "src")], work / "src.tar.gz")
    labels = {"dev.modelyard.commit": commit, "dev.modelyard.key": task.key, "dev.modelyard.python": sys.version[:4]}
    config, manifest, digest = pack.image([site, sources], labels)
    Registry(task.spec.bundle).push([site, sources], config, manifest, f"{commit[:12]}-{task.key[:12]}")
    return f"{task.spec.bundle.repository}@{digest}", digest
