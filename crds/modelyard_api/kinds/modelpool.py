"""ModelPool: pods that many ModelDeployments share."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from modelyard_api.fields.base import NAME_RULE, SCALE, Kind, Model, Time
from modelyard_api.fields.facts import POD_FIGURES, Column, Figure, KindInfo
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate
from modelyard_api.fields.status import Status


class ModelPoolSpec(Model):
    replicas: int = Field(1, ge=0, le=1000, description="How many pods there are; each of them has all of the models.")
    pod_template: PodTemplate = Field(
        default_factory=PodTemplate,
        description="The pods. What their memory limit leaves beside the server itself is the budget of the models: "
        "when it ends, the least recently used one goes, and comes back when it is asked for.",
    )


class ModelPoolStatus(Status):
    models: int = Field(0, description="How many models are packed here.")
    loaded: int = Field(0, description="How many of them every ready pod serves in the wanted version.")
    failed: int = Field(0, description="How many of them some ready pod can't serve in the wanted version.")
    replicas: int = Field(0, description="How many pods there are.")
    ready_replicas: int = Field(0, description="How many pods are ready.")
    selector: str | None = Field(None, max_length=1024, description="The label selector of the pods.")
    image: str | None = Field(None, max_length=512, description="The image of the pods.")
    catalogue: str | None = Field(None, max_length=71, description="The digest of the list of models.")
    unready_since: Time | None = Field(None, description="Since when not all models are served by all pods.")
    seen: str | None = Field(None, max_length=64, description="A hash of what the pods said of their models last.")


class ModelPool(Kind):
    """Pods that serve many small models: those of the ModelDeployments that name it in spec.pool."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="ModelPool",
        plural="modelpools",
        short="mpool",
        owns=("Deployment", "PodDisruptionBudget", "ConfigMap"),
        refers=POD_TEMPLATE_REFERENCES,
        operator=("patch",),
        rules=(NAME_RULE,),
        scale=SCALE,
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Models", ".status.models", "integer"),
            Column("Loaded", ".status.loaded", "integer"),
            Column("Failed", ".status.failed", "integer"),
            Column("Replicas", ".status.readyReplicas", "integer"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("models", ".status.models", "The models that are packed here."),
            Figure("loaded_models", ".status.loaded", "Those that every ready pod serves in the wanted version."),
            Figure("failed_models", ".status.failed", "Those that some ready pod can't serve."),
            *POD_FIGURES,
        ),
    )

    spec: ModelPoolSpec = Field(description="The pods.")
    status: ModelPoolStatus = Field(default_factory=ModelPoolStatus, description="What they serve now.")
