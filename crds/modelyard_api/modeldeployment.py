"""ModelDeployment: serve a version or an alias of a model."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.base import NAME_RULE, Column, Kind, KindInfo, Model, ObjectRef, StatusURL, Time, rule, rules
from modelyard_api.pods import PodTemplate
from modelyard_api.status import Status


class ServedModelRef(ObjectRef):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.version) != has(self.alias)", "write exactly one of alias (follow it) and version (pin it)")
        )
    )

    alias: Literal["champion", "challenger"] | None = Field(None, description="Follow this alias of the Model.")
    version: int | None = Field(None, ge=1, description="Serve this version, whatever the aliases say.")


class ModelDeploymentSpec(Model):
    model_ref: ServedModelRef = Field(description="What is served.")
    replicas: int = Field(1, ge=0, le=1000, description="How many pods serve it.")
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The serving pods.")
    suspend: bool = Field(False, description="True: no replicas.")


class Served(Model):
    version: int = Field(ge=1, description="The number of the version.")
    time: Time = Field(description="When it was on all replicas.")


class ModelDeploymentStatus(Status):
    url: StatusURL | None = Field(None, description="Where clients in the cluster reach it.")
    stable: int | None = Field(None, description="The version that serves on all replicas.")
    candidate: int | None = Field(None, description="The version that is being rolled out.")
    replicas: int = Field(0, description="How many pods there are.")
    ready_replicas: int = Field(0, description="How many pods are ready.")
    selector: str | None = Field(None, max_length=1024, description="The label selector of the pods.")
    image: str | None = Field(None, max_length=512, description="The image of the serving pods.")
    history: list[Served] = Field(default_factory=list, max_length=10, description="The versions served last.")


class ModelDeployment(Kind):
    """Serve a version or an alias of a model by the Open Inference Protocol."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="modeldeployments",
        short="mdep",
        rules=(NAME_RULE,),
        scale={
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Model", ".spec.modelRef.name"),
            Column("Stable", ".status.stable", "integer"),
            Column("Candidate", ".status.candidate", "integer"),
            Column("Replicas", ".status.readyReplicas", "integer"),
            Column("URL", ".status.url", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
    )

    spec: ModelDeploymentSpec = Field(description="What is served, and how.")
    status: ModelDeploymentStatus = Field(default_factory=ModelDeploymentStatus, description="What serves now.")
