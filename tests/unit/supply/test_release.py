"""Checks the workflow that makes a release, which runs nowhere but at GitHub."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import yaml

from tests.common.paths import REPO
from tests.localcluster import binaries
from tests.localcluster.images import dockerfiles

PATH = REPO / ".github/workflows/release.yaml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(PATH.read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
ACTIONLINT = binaries.install("actionlint", ["github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"])


def test_github_would_accept_it() -> None:
    binaries.build(ACTIONLINT)
    argv = [str(ACTIONLINT.folder() / "actionlint"), "-no-color", str(PATH)]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_image_is_released() -> None:
    assert set(WORKFLOW["jobs"]["image"]["strategy"]["matrix"]["image"]) == set(dockerfiles())


def test_a_job_has_the_rights_that_it_names_and_no_others() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()} == {
        "base": {},
        "image": {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    }
    assert WORKFLOW[True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}, "YAML reads the key `on` as true"


def test_no_command_has_a_secret_or_a_text_of_somebody_else_in_it() -> None:
    for step in STEPS:
        assert "${{" not in step.get("run", ""), "expressions go through env, where a shell doesn't read them"
        assert "secrets." not in str(step.get("env", {}))
    checkout = next(step for step in STEPS if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"] == {"persist-credentials": False}


def test_every_action_has_a_version() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@(v\d+|[0-9a-f]{40})", name)] == []


def test_what_is_verified_is_what_the_workflow_makes() -> None:
    """The commands of SECURITY.md name this workflow, and each kind of statement that it attests."""
    text = (REPO / "SECURITY.md").read_text()
    assert "/.github/workflows/release.yaml@refs/tags/v" in text
    used = " ".join(step.get("uses", "") for step in STEPS)
    assert ("actions/attest-sbom@" in used) is ("--predicate-type https://cyclonedx.org/bom" in text) is True
    assert ("actions/attest-build-provenance@" in used) is ("gh attestation verify" in text) is True
