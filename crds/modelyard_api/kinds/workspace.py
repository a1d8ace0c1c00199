"""Workspace: a JupyterLab in which several people work at once, with the data and the training libraries ready."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import NAME_RULE, Kind, Model, ObjectName, StatusName, StatusURL, rule, rules
from modelyard_api.fields.facts import Column, KindInfo, Reference
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate, Quantity
from modelyard_api.fields.status import Status
from modelyard_api.kinds.trainingrun import DatasetRef

MAX_PEOPLE, MAX_DATASETS = 32, 16
PersonName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$")]
"""A name that is also that of a file and a part of a URL."""


class TokenRef(Model):
    name: ObjectName = Field(description="The Secret, in the Workspace's namespace.")
    key: str = Field(
        "token",
        min_length=1,
        max_length=253,
        pattern=r"^[-._a-zA-Z0-9]+$",
        description="The key of its data that holds the token.",
    )


class Person(Model):
    name: PersonName = Field(description="Who it is: the name that others see on the cursor. No two have the same.")
    secret_ref: TokenRef = Field(
        description="The token by which the person logs in. Who is taken out of the Secret is out of the Workspace."
    )


class Storage(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                # The API server checks rules on the default of the whole object too, before it fills in that of size.
                "!has(self.size) || !has(oldSelf.size) "
                "|| quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",
                "a volume can't shrink: write the size that it had, or more",
                ".size",
            ),
            rule(
                "has(self.className) == has(oldSelf.className) "
                "&& (!has(self.className) || self.className == oldSelf.className)",
                "className is immutable, since a volume stays where it is: make another Workspace, and copy the files",
                ".className",
            ),
        )
    )

    size: Quantity = Field("5Gi", description="How much there is room for; it may grow where the class allows that.")
    class_name: ObjectName | None = Field(None, description="The StorageClass of the volume [the cluster's default].")


class WorkspaceSpec(Model):
    people: Annotated[
        list[Person],
        Field(
            min_length=1,
            max_length=MAX_PEOPLE,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(description="Who may come in. They share one server, and so trust each other.")
    datasets: Annotated[
        list[DatasetRef],
        Field(
            max_length=MAX_DATASETS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(
        default_factory=list,
        description="The data, read-only in ~/data/<name>/<version>. Versions are resolved once, at each start.",
    )
    storage: Storage = Field(
        default_factory=Storage, description="The volume of ~. It outlives suspension, and ends with the Workspace."
    )
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The pod. Kernels share its resources.")
    suspend: bool = Field(False, description="True: no pod, all files are kept; false again: it starts anew.")


class MountedVersion(Model):
    name: StatusName = Field(description="The Dataset.")
    version: StatusName = Field(description="The DatasetVersion that is there.")


class WorkspaceStatus(Status):
    phase: Literal["Starting", "Running", "Suspending", "Suspended"] | None = Field(
        None, description="Starting, Running, Suspending or Suspended."
    )
    url: StatusURL | None = Field(None, description="Where it answers within the cluster.")
    people: list[PersonName] = Field(default_factory=list, max_length=MAX_PEOPLE, description="Who may come in.")
    datasets: list[MountedVersion] = Field(
        default_factory=list, max_length=MAX_DATASETS, description="The data that is there since this start."
    )
    image: str | None = Field(None, max_length=512, description="The image of the pod.")


class Workspace(Kind):
    """A JupyterLab in which several people edit at once, with data and libraries ready and files that are kept."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Workspace",
        plural="workspaces",
        short="wspace",
        owns=("Deployment", "Service", "PersistentVolumeClaim"),
        refers=(
            Reference(".spec.people[].secretRef.name", "Secret"),
            Reference(".spec.datasets[].name", "Dataset"),
            Reference(".spec.datasets[].version", "DatasetVersion"),
            Reference(".spec.storage.className", "StorageClass"),
            *POD_TEMPLATE_REFERENCES,
        ),
        operator=("patch",),
        rules=(NAME_RULE,),
        columns=(
            Column("Phase", ".status.phase"),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("People", ".status.people"),
            Column("URL", ".status.url", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
    )

    spec: WorkspaceSpec = Field(description="Who works there, and on what.")
    status: WorkspaceStatus = Field(default_factory=WorkspaceStatus, description="Where it is, and what is there.")
