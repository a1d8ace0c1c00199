"""PipelineSource: a git repository whose commits are tested, bundled, and delivered to namespaces."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import (
    NAME_RULE,
    Digest,
    Duration,
    Kind,
    Model,
    ObjectName,
    ObjectRef,
    StatusName,
    StoreURI,
    Time,
    rule,
    rules,
)
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate
from modelyard_api.fields.status import Status

ACCEPTS = "modelyard.dev/accepts-sources-from"
"""Annotation of a Namespace: the namespaces whose PipelineSources may deliver into it, with commas between them."""
MAX_TARGETS, MAX_CHECKS, MAX_HISTORY = 4, 8, 10


def _relative(message: str) -> dict[str, Any]:
    return rules(rule("!self.split('/').exists(part, part == '..')", message))


Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$", max_length=40)]
RepoPath = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9._][-A-Za-z0-9._/]*$")]


class Git(Model):
    url: str = Field(
        max_length=1024,
        pattern=r"^https?://[^\t\n\f\r @?#]+$",
        description="The repository, by http or https. A user or a password belong into secretRef.",
    )
    ref: str = Field(
        "main",
        min_length=1,
        max_length=256,
        pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/]*$",
        description="The branch or tag, or a whole name such as refs/heads/main.",
    )
    path: Annotated[
        RepoPath, Field(json_schema_extra=_relative("path is a folder of the repository, without '..'"))
    ] = Field(".", description="The folder of the repository that is tested and bundled.")
    secret_ref: ObjectRef | None = Field(
        None, description="The Secret with the keys username and password (or a token as password) [none]."
    )
    poll_every: Annotated[
        Duration,
        Field(
            json_schema_extra=rules(
                rule("duration(self) >= duration('10s')", "pollEvery is at least 10s, since each look is a pod")
            )
        ),
    ] = Field("1m", description="How often the ref is looked up.")


class Build(Model):
    requirements: (
        Annotated[RepoPath, Field(json_schema_extra=_relative("requirements is a file below git.path, without '..'"))]
        | None
    ) = Field(
        None,
        description="The file below git.path that locks the bundle's libraries, each with its hashes; only wheels are "
        "installed [no libraries].",
    )


class Tests(Model):
    arguments: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(
        default_factory=list, max_length=32, description="Further arguments of pytest, which runs in git.path."
    )
    test_timeout_seconds: int = Field(60, ge=1, le=86400, description="Seconds after which one test fails.")
    timeout_seconds: int = Field(600, ge=1, le=86400, description="Seconds after which all tests are stopped.")


class Bundle(Model):
    repository: str = Field(
        max_length=255,
        pattern=r"^[a-zA-Z0-9][-a-zA-Z0-9.]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$",
        description="The repository of a registry that the bundle is pushed to, for example "
        "registry.example.com/acme/churn.",
    )
    secret_ref: ObjectRef | None = Field(
        None, description="The Secret of type kubernetes.io/dockerconfigjson that may push there [none]."
    )
    plain_http: bool = Field(False, description="True: the registry speaks http, not https.")


class Target(Model):
    name: str = Field(
        min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", description="The target's name."
    )
    namespace: ObjectName | None = Field(
        None,
        description="The namespace that the manifests are applied in [the source's own]. Another one has to name the "
        f"source's namespace in its annotation {ACCEPTS}.",
    )


class PipelineSourceSpec(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.test.testTimeoutSeconds <= self.test.timeoutSeconds",
                "testTimeoutSeconds must not be greater than timeoutSeconds",
                ".test",
            )
        )
    )

    git: Git = Field(description="The repository, and how it is watched.")
    build: Build = Field(default_factory=Build, description="How the bundle is built.")
    test: Tests = Field(default_factory=Tests, description="How a commit is tested: by pytest, without a network.")
    bundle: Bundle = Field(description="Where the bundle of a tested commit goes.")
    targets: Annotated[
        list[Target],
        Field(
            min_length=1,
            max_length=MAX_TARGETS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(description="Where the manifests are applied, one after the other, in the order of the list.")
    pod_template: PodTemplate = Field(
        default_factory=PodTemplate, description="The pods that look the ref up, build and test."
    )
    suspend: bool = Field(False, description="True: no commit is looked for, built or delivered.")


class Look(Model):
    """What came of the last look at the ref."""

    succeeded: bool = Field(description="Whether the ref was found.")
    reason: str = Field(max_length=128, description="Why, in one CamelCase word.")
    message: str = Field(max_length=1024, description="Why, and what to do next.")


class Check(Model):
    name: str = Field(max_length=64, description="What was checked.")
    passed: bool = Field(description="Whether it is as it should be.")
    message: str = Field("", max_length=1024, description="What was found.")


class Built(Model):
    """What came of the newest commit."""

    commit: Commit = Field(description="The commit.")
    key: str = Field(max_length=64, description="The hash of the commit and of what the spec says about its build.")
    tries: int = Field(0, ge=0, description="How many builds have ended without a verdict, since something was away.")
    retry_time: Time | None = Field(None, description="When it is built again after such an end.")
    passed: bool | None = Field(None, description="Whether it may be delivered; absent as long as nobody knows.")
    reason: str = Field("", max_length=128, description="Why, in one CamelCase word.")
    message: str = Field("", max_length=1024, description="Why, and what to do next.")
    checks: list[Check] = Field(default_factory=list, max_length=MAX_CHECKS, description="What was checked.")
    image: str | None = Field(None, max_length=512, description="The bundle, as repository@digest.")
    digest: Digest | None = Field(None, description="The bundle's digest.")
    result_uri: StoreURI | None = Field(None, description="The result in the artifact store, with the manifests.")


class Delivery(Model):
    name: StatusName = Field(description="The target.")
    namespace: StatusName = Field(description="Its namespace.")
    phase: Literal["Pending", "Delivered", "Refused"] = Field(description="Pending, Delivered or Refused.")
    commit: Commit | None = Field(None, description="The commit that was delivered whole.")
    digest: Digest | None = Field(None, description="Its bundle.")
    objects: int = Field(0, ge=0, description="How many objects it has there.")
    message: str = Field("", max_length=1024, description="What holds it up.")


class Past(Model):
    commit: Commit = Field(description="The commit.")
    passed: bool = Field(description="Whether it might be delivered.")
    message: str = Field("", max_length=256, description="Why not.")
    time: Time = Field(description="When that was known.")


class PipelineSourceStatus(Status):
    commit: Commit | None = Field(None, description="The newest commit of the ref.")
    last_look_time: Time | None = Field(None, description="When the ref was last looked up, in success or not.")
    looked_generation: int | None = Field(None, description="The generation whose ref was last looked up.")
    failed_looks: int = Field(0, ge=0, description="How many looks in a row have failed.")
    look: Look | None = Field(None, description="What came of the last look.")
    job: StatusName | None = Field(None, description="The Job that runs now.")
    attempts: int = Field(0, description="How many pods of that Job, and of those it replaces, were started.")
    build: Built | None = Field(None, description="What came of the newest commit.")
    targets: list[Delivery] = Field(default_factory=list, max_length=MAX_TARGETS, description="What is where.")
    history: list[Past] = Field(
        default_factory=list, max_length=MAX_HISTORY, description="The last commits with a verdict, the newest first."
    )


class PipelineSource(Kind):
    """CI/CD of pipelines: a git repository whose commits are tested, bundled and delivered to namespaces."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="PipelineSource",
        plural="pipelinesources",
        short="mplsrc",
        owns=("Job",),
        refers=(
            Reference(".spec.git.secretRef.name", "Secret"),
            Reference(".spec.bundle.secretRef.name", "Secret"),
            Reference(".spec.targets[].namespace", "Namespace"),
            *POD_TEMPLATE_REFERENCES,
        ),
        runs=Run("source", under_way="Checking"),
        rules=(NAME_RULE,),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Suspended", ".spec.suspend", "boolean"),
            Column("Ref", ".spec.git.ref"),
            Column("Commit", ".status.commit"),
            Column("Looked", ".status.lastLookTime", "date"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(Figure("last_look_timestamp_seconds", ".status.lastLookTime", "When its ref was looked up last."),),
    )

    spec: PipelineSourceSpec = Field(description="The repository, and where its commits go.")
    status: PipelineSourceStatus = Field(default_factory=PipelineSourceStatus, description="What was found.")
