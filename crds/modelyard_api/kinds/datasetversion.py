"""DatasetVersion: one immutable, content-addressed snapshot of a Dataset."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import (
    ColumnName,
    Count,
    Digest,
    Kind,
    Model,
    ObjectRef,
    StatusURL,
    StoreURI,
    rule,
    rules,
)
from modelyard_api.fields.columns import ColumnType, TimeFormat, TimeZone
from modelyard_api.fields.cursor import Cursor
from modelyard_api.fields.doubts import MOST_DOUBTS, Doubt, Excerpt
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference
from modelyard_api.fields.listing import Listing
from modelyard_api.fields.status import Status
from modelyard_api.fields.validation import Split

MissingWord = Annotated[str, Field(max_length=64)]
MAX_COLUMNS = 1000
"""Most columns of a table."""
MAX_KEY = 8
"""Most columns that identify a row."""
MAX_CHANGES = 100
"""Most changes that a version lists."""


class VersionColumn(Model):
    name: ColumnName = Field(description="The column.")
    type: ColumnType = Field(description="Its type.")
    format: TimeFormat | None = Field(None, description="How a Timestamp was written in the source [ISO 8601].")
    time_zone: TimeZone | None = Field(None, description="The zone of times that were written without one [UTC].")
    missing: Count = Field(0, description="How many values are missing.")
    distinct: Count | None = Field(
        None, description="How many different values there are; above 10,000 an estimate, within 5 % nearly always."
    )
    min: float | None = Field(None, description="The smallest value.")
    max: float | None = Field(None, description="The greatest value.")


class Violation(Model):
    """One rule of the Dataset that the data breaks."""

    column: str | None = Field(None, max_length=128, description="The column; absent: the table.")
    rule: Excerpt = Field(description="The rule, as it was written.")
    found: Excerpt = Field(description="What was found instead.")
    examples: list[Excerpt] = Field(default_factory=list, max_length=5, description="Up to five values that break it.")
    rows: list[Count] = Field(
        default_factory=list, max_length=5, description="The rows of the examples, as a spreadsheet counts them."
    )
    file: Excerpt | None = Field(None, description="The file that those rows are in.")


class Change(Model):
    """A column that is not as it was in the version before."""

    column: ColumnName = Field(description="The column.")
    change: Literal["Added", "Removed", "TypeChanged"] = Field(description="Added, Removed or TypeChanged.")
    was: ColumnType | None = Field(None, description="Its type in the version before.")
    is_: ColumnType | None = Field(None, alias="is", description="Its type in this version.")


class StoredFile(Model):
    name: str = Field(
        max_length=64, pattern=r"^[a-z0-9][-._a-z0-9]*$", description="The file, in the folder of the version."
    )
    digest: Digest = Field(description="Digest of its bytes.")


class Origin(ObjectRef):
    """What made the table: the Dataset by its own ingest, or a run whose output the Dataset holds."""

    kind: str = Field(max_length=63, description="Its kind, for example Dataset.")
    uid: str = Field(max_length=64, description="Its uid.")


class VersionInput(Model):
    """A version of another Dataset from which a query made the rows."""

    name: str = Field(max_length=63, description="The name of the table in the query.")
    dataset: str = Field(max_length=253, description="The Dataset.")
    version: str = Field(max_length=253, description="The DatasetVersion.")
    digest: Digest = Field(description="Digest of its rows.")


class DatasetVersionSpec(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self == oldSelf", "a DatasetVersion is immutable; change the Dataset and a new version is made")
        )
    )

    dataset_ref: ObjectRef = Field(description="The Dataset it is a version of.")
    digest: Digest = Field(description="Digest of the rows.")
    uri: StoreURI = Field(description="The folder in the artifact store.")
    rows: Count = Field(description="Rows in all.")
    test_rows: Count = Field(description="Rows held out for the final score.")
    bytes: Count = Field(description="Size of the Parquet files.")
    files: list[StoredFile] = Field(default_factory=list, max_length=8, description="The Parquet files.")
    target: ColumnName | None = Field(None, description="The column that is to be predicted, if there is one.")
    columns: list[VersionColumn] = Field(
        max_length=MAX_COLUMNS, description="The columns, with what was found in them."
    )
    key: list[ColumnName] = Field(
        default_factory=list, max_length=MAX_KEY, description="The columns that identify a row; never features."
    )
    dropped_rows: Count = Field(
        0, description="Rows of the source that had no target and were dropped, when the version was first made."
    )
    changes: list[Change] = Field(
        default_factory=list,
        max_length=MAX_CHANGES,
        description="What differs in the columns from the version that was the latest when this one was first made.",
    )
    missing: list[MissingWord] = Field(
        default_factory=list, max_length=101, description="The words that counted as missing in texts."
    )
    split: Split = Field(description="How rows are held out.")
    parent: str | None = Field(None, max_length=253, description="The version that was the latest before.")
    origin: Origin | None = Field(None, description="What made the table.")
    made_of: Listing | None = Field(None, description="The files that its rows come from, of a source that lists them.")
    cursor: Cursor | None = Field(None, description="How far the query was read, if it is asked for new rows alone.")
    inputs: Annotated[
        list[VersionInput],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(default_factory=list, description="The versions of which a query made it; they are kept as long as it.")


class Profile(Model):
    """Sketches of every column, as model servers keep them of their inputs."""

    uri: StoreURI = Field(description="The document in the artifact store.")


class Report(Model):
    """A page for people: what is in each column, what it tells of the target, and how it moved."""

    uri: StoreURI = Field(description="The page in the artifact store.")
    url: StatusURL = Field(description="Where people open it, as the installation says that they reach its pages.")


class DatasetVersionStatus(Status):
    accepted: bool | None = Field(None, description="Whether it may be trained on.")
    violations: list[Violation] = Field(default_factory=list, max_length=20, description="Rules that it breaks.")
    doubts: list[Doubt] = Field(
        default_factory=list,
        max_length=MOST_DOUBTS,
        description="What was guessed and may be wrong, with what to write; the last one counts what has no room.",
    )
    profile: Profile | None = Field(
        None, description="What its columns are distributed like, for monitors to compare with."
    )
    report: Report | None = Field(None, description="The page about it, for people.")


class DatasetVersion(Kind):
    """One immutable, content-addressed snapshot of a Dataset: digest, rows, columns and validation result."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="DatasetVersion",
        plural="datasetversions",
        short="dsetv",
        refers=(
            Reference(".spec.datasetRef.name", "Dataset", follow=False),
            Reference(".spec.parent", "DatasetVersion", follow=False),
            Reference(".spec.origin.name", ".spec.origin.kind", follow=False),
            Reference(".spec.inputs[].version", "DatasetVersion", follow=False),
        ),
        people="Delete",
        operator=("create", "patch", "delete"),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Dataset", ".spec.datasetRef.name"),
            Column("Rows", ".spec.rows", "integer"),
            Column("Target", ".spec.target"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Report", ".status.report.url", priority=1),
        ),
        figures=(Figure("rows", ".spec.rows", "Its rows."),),
    )

    spec: DatasetVersionSpec = Field(description="What the version is.")
    status: DatasetVersionStatus = Field(default_factory=DatasetVersionStatus, description="Whether it is accepted.")
