"""The blocks that kinds with pods share: the policy of a run and the template of its pods."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from modelyard_api.fields.base import MAX_SECONDS, Model, ObjectName, rule, rules
from modelyard_api.fields.facts import Reference
from modelyard_api.fields.scheduling import Affinity, LabelValue, TopologySpread

Quantity = Annotated[
    str,
    Field(
        max_length=32,
        pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
        json_schema_extra={"x-kubernetes-int-or-string": True, "minimum": 0},
    ),
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
]
"""A Kubernetes quantity, for example ``500m`` or ``2Gi``; a whole number may be written without quotes, as in pods."""
Quantities = Annotated[dict[str, Quantity], Field(json_schema_extra={"maxProperties": 16})]


class Resources(Model):
    requests: Quantities = Field(default_factory=dict, description="What the pod is promised, by resource name.")
    limits: Quantities = Field(default_factory=dict, description="What the pod may use at most, by resource name.")


class EnvVar(Model):
    name: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Its name.")
    value: str = Field("", max_length=4096, description="Its value; never a secret, since specs can be read by many.")


class Toleration(Model):
    key: str | None = Field(None, max_length=316, description="The taint's key; absent: all keys.")
    operator: Literal["Exists", "Equal"] | None = Field(None, description="How key and value are compared [Equal].")
    value: str | None = Field(None, max_length=63, description="The taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="The taint's effect; absent: all effects."
    )
    toleration_seconds: int | None = Field(None, ge=0, description="How long a NoExecute taint is tolerated.")


SYSTEM_PRIORITY = "modelyard-system"
"""The PriorityClass of the operator and the tracking server."""
RESERVED_PREFIXES = ("modelyard.dev/", "batch.kubernetes.io/")
RESERVED_LABELS = (
    *(f"app.kubernetes.io/{key}" for key in ("managed-by", "name", "instance")),
    *("pod-template-hash", "controller-uid", "job-name"),
)
"""Labels by which the operator and Kubernetes find pods."""
RESERVED_ANNOTATIONS = ("modelyard.dev/", "batch.kubernetes.io/", "container.apparmor.security.beta.kubernetes.io/")
"""Prefixes of annotations that the operator and Kubernetes read, and of one that could turn AppArmor off."""


def is_reserved_label(key: str) -> bool:
    return key.startswith(RESERVED_PREFIXES) or key in RESERVED_LABELS


def is_reserved_annotation(key: str) -> bool:
    return key.startswith(RESERVED_ANNOTATIONS)


def _not_reserved(prefixes: tuple[str, ...], names: tuple[str, ...], message: str) -> dict[str, Any]:
    """Returns the schema of a map whose keys are none of these, as a CEL rule."""
    allowed = [f"!key.startsWith('{prefix}')" for prefix in prefixes]
    if names:
        allowed.append(f"!(key in [{', '.join(map(repr, names))}])")
    return {"maxProperties": 32, **rules(rule(f"self.all(key, {' && '.join(allowed)})", message))}


class PodMetadata(Model):
    labels: Annotated[
        dict[str, LabelValue],
        Field(
            json_schema_extra=_not_reserved(
                RESERVED_PREFIXES,
                RESERVED_LABELS,
                "labels by which the operator and Kubernetes find pods can't be set: modelyard.dev/, "
                "batch.kubernetes.io/, app.kubernetes.io/name, instance and managed-by; choose another key",
            )
        ),
    ] = Field(default_factory=dict, description="Labels of the pods, for example of a cost centre.")
    annotations: Annotated[
        dict[str, Annotated[str, Field(max_length=4096)]],
        Field(
            json_schema_extra=_not_reserved(
                RESERVED_ANNOTATIONS,
                (),
                "annotations of the operator, of Jobs and of AppArmor can't be set; choose another key",
            )
        ),
    ] = Field(default_factory=dict, description="Annotations of the pods, for example of a mesh.")


class PodTemplate(Model):
    """What may be changed in the pods of an object; everything else follows the restricted Pod Security Standard."""

    metadata: PodMetadata | None = Field(None, description="Labels and annotations of the pods; the operator's win.")
    image: str | None = Field(None, min_length=1, max_length=512, description="The image [the installation's].")
    resources: Resources | None = Field(None, description="CPU and memory of each pod [the installation's].")
    env: Annotated[
        list[EnvVar],
        Field(
            max_length=64, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        ),
    ] = Field(default_factory=list, description="Environment variables.")
    node_selector: dict[str, Annotated[str, Field(max_length=63)]] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": 16},
        description="Labels that a node must have.",
    )
    tolerations: list[Toleration] = Field(default_factory=list, max_length=32, description="Tolerated taints.")
    image_pull_secrets: Annotated[
        list[ObjectName], Field(max_length=8, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = Field(default_factory=list, description="Names of Secrets of type kubernetes.io/dockerconfigjson.")
    priority_class_name: (
        Annotated[
            ObjectName,
            Field(
                json_schema_extra=rules(
                    rule(
                        f"self != '{SYSTEM_PRIORITY}'",
                        f"{SYSTEM_PRIORITY} is the operator's own PriorityClass, which must go before the pods that it "
                        "starts; name another one",
                    )
                )
            ),
        ]
        | None
    ) = Field(None, description="The pods' PriorityClass, not that of the operator.")
    service_account_name: ObjectName | None = Field(
        None, description="The pods' ServiceAccount [default]; its token is never mounted."
    )
    affinity: Affinity | None = Field(None, description="What pods run near to, and on which nodes.")
    topology_spread_constraints: Annotated[
        list[TopologySpread],
        Field(
            max_length=16,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["topologyKey", "whenUnsatisfiable"],
            },
        ),
    ] = Field(
        default_factory=list,
        description=(
            "How pods are spread. One with topologyKey kubernetes.io/hostname and whenUnsatisfiable ScheduleAnyway "
            "replaces the serving pods' own."
        ),
    )


POD_TEMPLATE_REFERENCES = (
    Reference(".spec.podTemplate.imagePullSecrets[]", "Secret"),
    Reference(".spec.podTemplate.priorityClassName", "PriorityClass"),
    Reference(".spec.podTemplate.serviceAccountName", "ServiceAccount"),
)
"""The references of a kind whose spec has a podTemplate."""


class RunPolicy(Model):
    """How a kind that runs to completion is started, bounded and cleaned up."""

    suspend: bool = Field(False, description="True: nothing runs, what runs is stopped; false again: it starts anew.")
    active_deadline_seconds: int | None = Field(
        None, ge=1, le=MAX_SECONDS, description="Seconds after which a run that has not finished fails."
    )
    backoff_limit: int = Field(
        3, ge=0, le=100, description="How often a failed pod is replaced; lost nodes and user errors don't count."
    )
    ttl_seconds_after_finished: int | None = Field(
        None,
        ge=0,
        le=MAX_SECONDS,
        description="Seconds after which a finished run's Job and pods are removed; the run itself stays.",
    )
