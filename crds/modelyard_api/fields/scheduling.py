"""Where pods run: affinity and topology spread, in the form that Kubernetes gives them.

Terms have no ``namespaces``: pods are placed by the pods of their own namespace, since a namespace is a tenant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.base import Model

LabelKey = Annotated[str, Field(min_length=1, max_length=316)]
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
Labels = Annotated[dict[str, LabelValue], Field(json_schema_extra={"maxProperties": 16})]
Keys = Annotated[list[LabelKey], Field(max_length=16)]
Values = Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64)]
Weight = Annotated[int, Field(ge=1, le=100)]


class LabelRequirement(Model):
    key: LabelKey = Field(description="The label's key.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How the label is compared.")
    values: Values = Field(default_factory=list, description="The values, for In and NotIn.")


class LabelSelector(Model):
    match_labels: Labels = Field(default_factory=dict, description="Labels that all must be there.")
    match_expressions: list[LabelRequirement] = Field(
        default_factory=list, max_length=16, description="Requirements that all must hold."
    )


class NodeRequirement(Model):
    key: LabelKey = Field(description="The label's or field's key.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(description="How it is compared.")
    values: Values = Field(default_factory=list, description="The values, one for Gt and Lt.")


class NodeTerm(Model):
    match_expressions: list[NodeRequirement] = Field(
        default_factory=list, max_length=16, description="Requirements on the node's labels; all must hold."
    )
    match_fields: list[NodeRequirement] = Field(
        default_factory=list, max_length=16, description="Requirements on the node's fields; all must hold."
    )


class NodeSelector(Model):
    node_selector_terms: list[NodeTerm] = Field(min_length=1, max_length=16, description="One of them must hold.")


class PreferredNodes(Model):
    weight: Weight = Field(description="How much it counts.")
    preference: NodeTerm = Field(description="The nodes.")


class NodeAffinity(Model):
    required_during_scheduling_ignored_during_execution: NodeSelector | None = Field(
        None, description="Nodes that pods may run on."
    )
    preferred_during_scheduling_ignored_during_execution: list[PreferredNodes] = Field(
        default_factory=list, max_length=16, description="Nodes that are better than others."
    )


class PodTerm(Model):
    label_selector: LabelSelector = Field(description="The pods, of the same namespace.")
    topology_key: LabelKey = Field(description="The node label whose value says what is near.")
    match_label_keys: Keys = Field(default_factory=list, description="Labels whose value must be that of the pod.")
    mismatch_label_keys: Keys = Field(default_factory=list, description="Labels whose value must not be that.")


class PreferredPods(Model):
    weight: Weight = Field(description="How much it counts.")
    pod_affinity_term: PodTerm = Field(description="The pods.")


class PodAffinity(Model):
    required_during_scheduling_ignored_during_execution: list[PodTerm] = Field(
        default_factory=list, max_length=16, description="What must hold."
    )
    preferred_during_scheduling_ignored_during_execution: list[PreferredPods] = Field(
        default_factory=list, max_length=16, description="What is better than something else."
    )


class Affinity(Model):
    node_affinity: NodeAffinity | None = Field(None, description="Nodes that pods may, or should, run on.")
    pod_affinity: PodAffinity | None = Field(None, description="Pods that they must, or should, be near to.")
    pod_anti_affinity: PodAffinity | None = Field(
        None, description="Pods that they must not, or should not, be near to; added to the operator's own preference."
    )


class TopologySpread(Model):
    max_skew: int = Field(ge=1, le=2**31 - 1, description="How many pods a domain may have more than another.")
    topology_key: LabelKey = Field(description="The node label whose values are the domains.")
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = Field(description="Whether a pod then waits.")
    label_selector: LabelSelector = Field(description="The pods that are counted.")
    min_domains: int | None = Field(None, ge=1, le=2**31 - 1, description="How many domains there should be.")
    node_affinity_policy: Literal["Honor", "Ignore"] | None = Field(
        None, description="Whether only nodes that the pod's affinity allows are counted [Honor]."
    )
    node_taints_policy: Literal["Honor", "Ignore"] | None = Field(
        None, description="Whether only nodes whose taints are tolerated are counted [Ignore]."
    )
    match_label_keys: Keys = Field(default_factory=list, description="Labels whose value must be that of the pod.")
