"""A commit in a real git server is tested, trains and comes to production; one whose tests are red stops before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from modelyard_api.kinds.pipelinesource import ACCEPTS
from tests.common.paths import REPO
from tests.demo.story import Story
from tests.localcluster import access
from tests.support.addons import Registry, bring_up
from tests.support.git_server import PASSWORD, USER, Repository, git_server
from tests.support.kube import Kube, condition
from tests.support.mainjob import MainJob

EXAMPLE = REPO / "manifests" / "examples" / "source"
SOURCE, SECRET, SERVED = "species", "species-git", "species-from-git"
CODE = "acme/train.py"
RIGHT, WRONG = "context.train[context.target]", "context.train[context.target][::-1]"


class Delivery:
    """Delivers the example's repository to ``staging``, and from there to ``production``."""

    def __init__(self, story: Story, production: Kube, staging: Kube) -> None:
        self.story, self.production, self.staging = story, production, staging

    def play(self) -> None:
        bring_up(self.staging.cluster, "registry")
        here = access.address(self.staging.cluster)
        with tempfile.TemporaryDirectory() as folder, git_server(Path(folder, "git"), here) as server:
            repository = server.repository(SOURCE)
            self.story.title("Act source", "from a commit to production")
            self.prepare(f"{server.url}/{repository.name}")
            self.good(repository)
            self.red(repository)

    def prepare(self, url: str) -> None:
        """Applies the table in both namespaces, and the source in the first of them."""
        self.story.say("kubectl apply: the penguins in two namespaces, and a PipelineSource")
        for kube in (self.staging, self.production):
            job = MainJob(kube)
            job.put_data()
            job.apply("dataset.yaml")
        accepts = f"{ACCEPTS}={self.staging.namespace}"
        self.production.run("annotate", "namespace", self.production.namespace, accepts)
        secret = {"username": USER, "password": PASSWORD}
        self.staging.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": secret})
        source = yaml.safe_load((EXAMPLE / "pipelinesource.yaml").read_text())
        source["spec"] |= {
            "git": {"url": url, "secretRef": {"name": SECRET}, "pollEvery": "10s"},
            "bundle": {"repository": f"{Registry.open}/acme/species", "plainHttp": True},
            "targets": [{"name": "staging"}, {"name": "production", "namespace": self.production.namespace}],
            "suspend": False,
        }
        self.staging.apply(source)

    def good(self, repository: Repository) -> None:
        commit = repository.commit(files())
        self.story.say(f"git push: {commit[:12]}, manifests/examples/source")
        self.story.until("a version in production", lambda: self._stable() is not None, 400)

    def red(self, repository: Repository) -> None:
        commit = repository.commit(wrong())
        self.story.say(f"git push: {commit[:12]}, which learns the labels in the wrong order")

        def stopped() -> Any:
            failed = condition(self.staging.get("pipelinesource", SOURCE), "TestsPassed") or {}
            return failed.get("status") == "False"

        self.story.until("the verdict on the red commit", stopped, 400)
        self.story.say(f"production still serves version {self._stable()} of the commit before")

    def _stable(self) -> int | None:
        deployment = self.production.get("modeldeployment", SERVED) or {}
        return (deployment.get("status") or {}).get("stable")


def wrong() -> dict[str, str | bytes | None]:
    """Returns what the second commit changes."""
    code = (EXAMPLE / CODE).read_text()
    assert RIGHT in code
    return {CODE: code.replace(RIGHT, WRONG)}


def files() -> dict[str, str | bytes | None]:
    """Returns what is committed: the example without what lies beside the repository."""
    paths = (
        path for path in EXAMPLE.rglob("*") if path.suffix in (".py", ".yaml") and path.name != "pipelinesource.yaml"
    )
    return {str(path.relative_to(EXAMPLE)): path.read_text() for path in paths}
