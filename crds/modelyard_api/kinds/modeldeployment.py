"""ModelDeployment: serve a version or an alias of a model."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import (
    NAME_RULE,
    SCALE,
    Kind,
    Model,
    ObjectName,
    ObjectRef,
    StatusName,
    StatusURL,
    Time,
    rule,
    rules,
)
from modelyard_api.fields.facts import POD_FIGURES, Column, Figure, KindInfo, Reference
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate
from modelyard_api.fields.status import Status
from modelyard_api.kinds.rollout import Autoscaling, GatewayRef, Rollout


class ServedModelRef(ObjectRef):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.version) != has(self.alias)", "write exactly one of alias (follow it) and version (pin it)")
        )
    )

    alias: Literal["champion", "challenger"] | None = Field(None, description="Follow this alias of the Model.")
    version: int | None = Field(
        None,
        ge=1,
        description="Serve this version, whatever the aliases say. When it is first asked for it must pass the Model's "
        "gates, or be its champion, by pin for example.",
    )


class Logging(Model):
    sample_rate: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the predictions, chosen by their id, whose whole request and answer each pod writes to "
        "Parquet files in its /modelyard/log, of which it keeps the newest 256 MiB.",
    )


def _packed(allowed: str, message: str, field_path: str) -> dict[str, str]:
    """Returns a rule that a ModelDeployment must follow if it shares the pods of a ModelPool."""
    return rule(f"!has(self.pool) || ({allowed})", message, field_path)


PACKED = (
    _packed(
        "self.rollout.strategy == 'Rolling'",
        "with pool the only strategy is Rolling: write Rolling, or leave rollout out",
        ".rollout.strategy",
    ),
    _packed(
        "self.replicas == 1",
        "with pool leave replicas out: the pods are the ModelPool's, write its spec.replicas",
        ".replicas",
    ),
    _packed(
        "!has(self.autoscaling)",
        "with pool leave autoscaling out: the pods are the ModelPool's, write its spec.replicas",
        ".autoscaling",
    ),
    _packed("!has(self.gateway)", "with pool leave gateway out: clients use the Service", ".gateway"),
    _packed(
        "!has(self.podTemplate.image) && !has(self.podTemplate.resources) && !has(self.podTemplate.priorityClassName) "
        "&& !has(self.podTemplate.metadata) && !has(self.podTemplate.serviceAccountName) "
        "&& !has(self.podTemplate.affinity) "
        "&& (!has(self.podTemplate.topologySpreadConstraints) "
        "|| self.podTemplate.topologySpreadConstraints.size() == 0) "
        "&& (!has(self.podTemplate.env) || self.podTemplate.env.size() == 0) "
        "&& (!has(self.podTemplate.nodeSelector) || self.podTemplate.nodeSelector.size() == 0) "
        "&& (!has(self.podTemplate.tolerations) || self.podTemplate.tolerations.size() == 0) "
        "&& (!has(self.podTemplate.imagePullSecrets) || self.podTemplate.imagePullSecrets.size() == 0)",
        "with pool leave podTemplate out: write it in the ModelPool's spec",
        ".podTemplate",
    ),
    _packed(
        "self.logging.sampleRate == 0.0",
        "with pool leave logging out: requests of packed models are not logged",
        ".logging",
    ),
)


class ModelDeploymentSpec(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.gateway) || self.rollout.strategy in ['Rolling', 'BlueGreen']",
                "strategies Canary, Shadow and ABTest divide the traffic, for which they need gateway: without one "
                "write Rolling or BlueGreen",
                ".rollout.strategy",
            ),
            *PACKED,
        )
    )

    model_ref: ServedModelRef = Field(description="What is served.")
    pool: ObjectName | None = Field(
        None,
        description="Share the pods of this ModelPool instead of having some; the Service stays. With it strategy is "
        "Rolling, and replicas, autoscaling, gateway, podTemplate and logging are left out.",
    )
    replicas: int = Field(
        1,
        ge=0,
        le=1000,
        description="How many pods serve it. With autoscaling it is the number to start with, and then the "
        "autoscaler's: leave it out of manifests. 0 switches the autoscaler off.",
    )
    autoscaling: Autoscaling | None = Field(None, description="Let the number of pods follow the load.")
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The serving pods.")
    rollout: Rollout = Field(
        default_factory=lambda: Rollout(strategy="Rolling"), description="How a new version takes the old one's place."
    )
    gateway: GatewayRef | None = Field(None, description="A Gateway of the Gateway API [none: a plain Service].")
    logging: Logging = Field(default_factory=Logging, description="What pods write of their requests [nothing].")
    suspend: bool = Field(False, description="True: no replicas.")


class Served(Model):
    version: int = Field(ge=1, description="The number of the version.")
    time: Time = Field(description="When it was on all replicas.")


class Rejected(Model):
    version: int = Field(ge=1, description="The number of the version.")
    reason: str = Field(max_length=64, description="AnalysisFailed, Crashed or Aborted.")
    message: str = Field(max_length=512, description="What was seen.")
    time: Time = Field(description="When.")


class Damaged(Model):
    """A ModelVersion whose stored bytes are not those that were verified."""

    name: StatusName = Field(description="The ModelVersion.")
    reason: str = Field(max_length=64, description="ArtifactMissing or DigestMismatch.")
    message: str = Field(max_length=1024, description="What a pod found when it fetched the model.")


class Judged(Model):
    """The last judgement of one metric of the analysis."""

    name: str = Field(max_length=63, description="The metric's name.")
    verdict: Literal["Passed", "Failed", "Inconclusive"] = Field(
        description="Failed: it is beyond the limit beyond doubt. Inconclusive: too little was seen to say."
    )
    message: str = Field(max_length=256, description="The values.")


class RolloutStatus(Model):
    """The progress of the candidate."""

    version: int = Field(ge=1, description="The candidate this is about.")
    step: int = Field(0, ge=0, description="The step's index, from 0.")
    since: Time | None = Field(None, description="Since when the step's weight holds; absent: its pods aren't ready.")
    judged: Time | None = Field(None, description="When it was judged last.")
    failures: int = Field(0, description="Failed judgements so far.")
    analysis: list[Judged] = Field(default_factory=list, max_length=16, description="The last judgement.")


class HeldReplicas(Model):
    """Pods that are kept although a manifest wrote another number into spec.replicas, which an autoscaler counts."""

    replicas: int = Field(ge=0, description="The pods that are kept at least.")
    highest: int = Field(0, ge=0, description="The most that the autoscaler has asked for meanwhile.")
    until: Time = Field(description="When they follow the autoscaler alone again.")
    written: int = Field(description="The number that is not followed.")
    manager: str = Field(max_length=128, description="The field manager that wrote it.")
    recurring: bool = Field(False, description="Whether it has been written again meanwhile.")


class ModelDeploymentStatus(Status):
    url: StatusURL | None = Field(None, description="Where clients in the cluster reach it.")
    stable: int | None = Field(None, description="The version that serves on all replicas.")
    candidate: int | None = Field(None, description="The version that is being rolled out.")
    weight: int | None = Field(None, description="Percent of the traffic that the candidate gets.")
    step: str | None = Field(None, max_length=16, description="The step of the rollout, of how many.")
    rollout: RolloutStatus | None = Field(None, description="Where the candidate is on its way.")
    rejected: list[Rejected] = Field(
        default_factory=list, max_length=20, description="Versions that were rolled back: they aren't tried again."
    )
    replicas: int = Field(0, description="How many pods there are.")
    ready_replicas: int = Field(0, description="How many pods are ready.")
    held: HeldReplicas | None = Field(
        None, description="Pods that are kept against a number of replicas that a manifest wrote under autoscaling."
    )
    selector: str | None = Field(None, max_length=1024, description="The label selector of the pods.")
    pool: StatusName | None = Field(None, description="The ModelPool whose pods serve it.")
    packed: list[StatusName] = Field(
        default_factory=list,
        max_length=2,
        description="The ModelVersions that a ModelPool is to serve: the wanted one, and the one that stands in for it "
        "until it can be served.",
    )
    image: str | None = Field(None, max_length=512, description="The image of the serving pods.")
    damaged: list[Damaged] = Field(
        default_factory=list,
        max_length=4,
        description="Versions that a pod could not fetch, because their stored bytes are gone or were changed.",
    )
    history: list[Served] = Field(default_factory=list, max_length=10, description="The versions served last.")


class ModelDeployment(Kind):
    """Serve a version or an alias of a model by the Open Inference Protocol."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="ModelDeployment",
        plural="modeldeployments",
        short="mdep",
        owns=(
            "Deployment",
            "Service",
            "PodDisruptionBudget",
            "HorizontalPodAutoscaler",
            "ScaledObject",
            "HTTPRoute",
            "BackendTrafficPolicy",
        ),
        watches=("EndpointSlice",),
        refers=(
            Reference(".spec.modelRef.name", "Model"),
            Reference(".spec.pool", "ModelPool"),
            Reference(".status.pool", "ModelPool"),
            Reference(".spec.gateway.name", "Gateway", namespace=".spec.gateway.namespace"),
            *POD_TEMPLATE_REFERENCES,
        ),
        rules=(NAME_RULE,),
        scale=SCALE,
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Suspended", ".spec.suspend", "boolean"),
            Column("Model", ".spec.modelRef.name"),
            Column("Stable", ".status.stable", "integer"),
            Column("Candidate", ".status.candidate", "integer"),
            Column("Weight", ".status.weight", "integer"),
            Column("Step", ".status.step"),
            Column("Replicas", ".status.readyReplicas", "integer"),
            Column("Pool", ".status.pool", priority=1),
            Column("URL", ".status.url", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("stable_version", ".status.stable", "The version that serves on all replicas."),
            Figure("candidate_version", ".status.candidate", "The version that is being rolled out."),
            Figure("candidate_weight", ".status.weight", "Percent of the traffic that the candidate gets."),
            *POD_FIGURES,
        ),
    )

    spec: ModelDeploymentSpec = Field(description="What is served, and how.")
    status: ModelDeploymentStatus = Field(default_factory=ModelDeploymentStatus, description="What serves now.")
