"""Dataset: where data comes from, what it must look like, and its immutable versions."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import (
    NAME_RULE,
    ColumnName,
    Duration,
    Kind,
    Model,
    StatusName,
    StatusURL,
    Time,
    rule,
    rules,
)
from modelyard_api.fields.columns import ColumnRule
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.listing import Listing
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate
from modelyard_api.fields.sources import Source
from modelyard_api.fields.status import Progress, Status
from modelyard_api.fields.validation import LIST_MAP, Retention, Split, Validation
from modelyard_api.kinds.datasetversion import MAX_KEY


class DatasetSpec(Model):
    source: Source = Field(description="Where the data comes from.")
    check_every: Duration | None = Field(None, description="How often to look for new data [once].")
    target: ColumnName | None = Field(
        None, description="The column that is to be predicted; a table that is only scored needs none."
    )
    key: list[ColumnName] = Field(
        default_factory=list,
        max_length=MAX_KEY,
        description="The columns that identify a row: never features, and rows of one key are held out together.",
    )
    timestamp: ColumnName | None = Field(None, description="The column that says when a row was observed.")
    ignore: list[ColumnName] = Field(default_factory=list, max_length=1000, description="Columns that are dropped.")
    columns: Annotated[
        list[ColumnRule],
        Field(max_length=1000, json_schema_extra=LIST_MAP),
    ] = Field(default_factory=list, description="What is known of the columns; the others are inferred.")
    validation: Validation = Field(default_factory=Validation, description="When a version is accepted.")
    split: Split = Field(
        default_factory=Split, description="How rows are held out for the final score; without a target none are."
    )
    retention: Retention | None = Field(None, description="Which versions are kept [all].")
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The ingest pods.")
    suspend: bool = Field(False, description="True: no looking for new data.")

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("!has(self.target) || !(self.target in self.ignore)", "ignore must not name the target", ".ignore"),
            rule(
                "has(self.target) || self.split.strategy != 'Stratified'",
                "Stratified keeps the shares of the target's classes; name the target, or write Random",
                ".split",
            ),
            rule(
                "has(self.target) || !(self.split.strategy in ['Time', 'Group'])",
                "without a target no rows are held out; name the target, or leave strategy out",
                ".split",
            ),
            rule(
                "self.split.strategy != 'Time' || has(self.timestamp)",
                "the strategy Time holds the latest rows out; name the column in timestamp",
                ".split",
            ),
            rule(
                "!has(self.split.column) || !(self.split.column in self.ignore)",
                "split.column must not be ignored",
                ".split",
            ),
            rule("!self.key.exists(name, name in self.ignore)", "ignore must not name a column of key", ".ignore"),
            rule("!has(self.target) || !(self.target in self.key)", "key must not name the target", ".key"),
            rule(
                "!has(self.timestamp) || !(self.timestamp in self.ignore)",
                "ignore must not name the timestamp",
                ".ignore",
            ),
            rule(
                "!has(self.source.pushed) || self.validation.expressions.size() == 0",
                "expressions belong to a source that is read; leave them out beside pushed",
                ".validation",
            ),
            rule(
                "!has(self.checkEvery) || !(has(self.source.pushed) || has(self.source.query))",
                "checkEvery belongs to a source that is looked at; leave it out beside source.pushed and source.query",
                ".checkEvery",
            ),
        )
    )


class SourceStatus(Model):
    """The result of the last look at the source under the current spec."""

    readable: bool = Field(description="Whether it was read to its end.")
    reason: str = Field(max_length=128, description="Why, in one CamelCase word.")
    message: str = Field(max_length=2000, description="Why, and what to do next.")
    listing: Listing | None = Field(None, description="The files that were read last, if their list tells of changes.")


class Push(Model):
    """The table that was pushed last, and what came of it: the run that pushed it waits for this."""

    name: StatusName = Field(description="The run that pushed it.")
    uid: str = Field(max_length=64, description="The run's uid.")
    time: Time | None = Field(
        None, description="When the newest accepted table was made: an older one does not become latest after it."
    )
    version: StatusName | None = Field(None, description="The DatasetVersion that the table is; absent: there is none.")
    reason: str = Field(max_length=128, description="VersionAccepted, or why it was not accepted, in one word.")
    message: str = Field(max_length=2000, description="Why, and what to do next.")


MAX_EXPIRING = 20
"""Most versions that retention deletes at a time."""


class Expiring(Model):
    """A version that retention deletes."""

    name: StatusName = Field(description="The DatasetVersion.")
    uri: StatusURL = Field(description="The folder of its bytes, which are deleted after it.")
    listing: StatusURL | None = Field(
        None, description="The list of the files that it is made of, which goes too unless another version names it."
    )


class DatasetStatus(Status):
    latest: StatusName | None = Field(None, description="The newest accepted DatasetVersion.")
    versions: int = Field(0, description="How many DatasetVersions there are.")
    last_check_time: Time | None = Field(None, description="When the source was last read to its end.")
    source_version: str | None = Field(
        None, max_length=128, description="The uid and resourceVersion of the ConfigMap that was last read."
    )
    checked_generation: int | None = Field(None, description="The generation whose source was last read.")
    accepted_generation: int | None = Field(None, description="The generation that the latest version was made for.")
    source: SourceStatus | None = Field(None, description="What came of the last look at the source.")
    pushed: Push | None = Field(None, description="What came of the table that was pushed last.")
    job: StatusName | None = Field(None, description="The ingest Job that runs now.")
    progress: Progress | None = Field(
        None, description="How far that Job is with reading; absent for the first seconds, and where it is not known."
    )
    expiring: list[Expiring] = Field(
        default_factory=list, max_length=MAX_EXPIRING, description="The versions that retention deletes now."
    )
    attempts: int = Field(0, description="How many pods of that Job, and of those it replaces, were started.")


class Dataset(Kind):
    """Where data comes from, what it must look like, and its immutable versions."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Dataset",
        plural="datasets",
        short="dset",
        owns=("Job", "DatasetVersion"),
        refers=(
            Reference(".spec.source.configMap.name", "ConfigMap"),
            Reference(".spec.source.volume.claimName", "PersistentVolumeClaim"),
            Reference(".spec.source.secretRef.name", "Secret"),
            Reference(".spec.source.sql.secretRef.name", "Secret"),
            Reference(".spec.source.query.from[].datasetRef.name", "Dataset"),
            *POD_TEMPLATE_REFERENCES,
        ),
        runs=Run("ingest", under_way="Checking"),
        operator=("patch",),
        rules=(NAME_RULE,),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Suspended", ".spec.suspend", "boolean"),
            Column("Latest", ".status.latest"),
            Column("Versions", ".status.versions", "integer"),
            Column("Checked", ".status.lastCheckTime", "date"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("versions", ".status.versions", "Its versions that exist."),
            Figure("last_check_timestamp_seconds", ".status.lastCheckTime", "When its source was read last."),
        ),
    )

    spec: DatasetSpec = Field(description="What the data is.")
    status: DatasetStatus = Field(default_factory=DatasetStatus, description="What was found.")
