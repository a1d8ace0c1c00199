"""Where the rows of a Dataset come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import ColumnName, ConfigMapKey, Duration, Model, ObjectName, ObjectRef, rule, rules
from modelyard_api.fields.csv import CSV

Format = Literal["CSV", "Parquet", "JSONLines", "Delta", "Iceberg"]


class ConfigMapSource(Model):
    name: ObjectName = Field(description="The ConfigMap, in the Dataset's namespace.")
    key: ConfigMapKey = Field(description="The key of its data that holds the file.")


class VolumeSource(Model):
    claim_name: ObjectName = Field(description="The PersistentVolumeClaim, in the Dataset's namespace.")
    path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            json_schema_extra=rules(
                rule(
                    "!self.startsWith('/') && !self.split('/').exists(part, part == '..')",
                    "path is relative to the volume's root, without '..'",
                )
            ),
        ),
    ] = Field(description="A file, or a folder whose files are read in the order of their names.")


URI = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        pattern=r"^(https?|s3|gs|abfss?)://[^/?#\t\n\f\r ][^\t\n\f\r ]*$",
        json_schema_extra=rules(
            rule(
                "!self.matches('^(https?|s3|gs)://[^/]*@') && "
                "!self.matches('(?i)[?&](sig|signature|x-amz-signature|x-goog-signature|token|password)=')",
                "an address holds no credentials; write them into the Secret that secretRef names",
            )
        ),
    ),
]
"""The address of files: one, a folder, or a glob."""


class KeyRef(Model):
    name: ObjectName = Field(description="The Secret, in the Dataset's namespace.")
    key: ConfigMapKey = Field("url", description="Its key that holds the database's URL.")


Query = Annotated[str, Field(min_length=1, max_length=16384)]
"""A query in SQL."""


class SQLSource(Model):
    """The rows of a query in a database."""

    query: Query = Field(description="A SELECT; it is run in a transaction that can't write.")
    secret_ref: KeyRef = Field(
        description="Where the database is and who asks, as a URL of SQLAlchemy, such as "
        "postgresql://USER:PASSWORD@HOST/DATABASE."
    )
    timeout: Duration | None = Field(None, description="How long the query may take [10m].")
    cursor: ColumnName | None = Field(
        None,
        description="With arrival Append: a column of numbers, dates or times that is greater in each new row; a look "
        "asks for the rows above the greatest value that was seen.",
    )


class QueryInput(Model):
    name: Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        description="The name of the table in the query."
    )
    dataset_ref: ObjectRef = Field(description="The Dataset whose latest accepted version it is.")


class QuerySource(Model):
    """The rows of a query over other Datasets, made anew when one of them has a new accepted version."""

    from_: Annotated[
        list[QueryInput],
        Field(
            alias="from",
            min_length=1,
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(alias="from", description="The tables that the query may read.")
    sql: Query = Field(description="A SELECT in DuckDB's SQL.")
    timeout: Duration | None = Field(None, description="How long the query may take [30m].")


class PushedSource(Model):
    """Nothing is read: runs push tables, for example a BatchPrediction whose output is this Dataset."""


class Source(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.configMap), has(self.volume), has(self.uri), has(self.sql), has(self.query), "
                "has(self.pushed)].exists_one(given, given)",
                "write exactly one of configMap, volume, uri, sql, query and pushed",
            ),
            rule("!has(self.secretRef) || has(self.uri)", "secretRef belongs to uri; leave it out", ".secretRef"),
            rule(
                "self.arrival == 'Replace' || has(self.volume) || has(self.uri) || "
                "has(self.sql) && has(self.sql.cursor)",
                "Append belongs to the files of a volume or of uri, and to sql with a cursor; write Replace, or "
                "sql.cursor",
                ".arrival",
            ),
            rule(
                "!has(self.sql) || !has(self.sql.cursor) || self.arrival == 'Append'",
                "a cursor belongs to arrival Append; write it, or leave the cursor out",
                ".sql",
            ),
            rule(
                "!has(self.format) || !(self.format in ['Delta', 'Iceberg']) || "
                "has(self.uri) && self.arrival == 'Replace'",
                "Delta and Iceberg are formats of a table at a uri, with arrival Replace",
                ".format",
            ),
            rule(
                "!has(self.version) || has(self.format) && self.format in ['Delta', 'Iceberg']",
                "version belongs to format Delta or Iceberg; leave it out",
                ".version",
            ),
            rule(
                "!has(self.settle) || has(self.volume) || has(self.uri)",
                "settle belongs to the files of a volume or of uri; leave it out",
                ".settle",
            ),
            rule(
                "!has(self.format) || has(self.configMap) || has(self.volume) || has(self.uri)",
                "format belongs to files; leave it out beside sql, query and pushed",
            ),
            rule(
                "!has(self.csv) || (has(self.configMap) || has(self.volume) || has(self.uri)) && "
                "(!has(self.format) || self.format == 'CSV')",
                "csv belongs to files of format CSV; leave it out",
            ),
        )
    )

    config_map: ConfigMapSource | None = Field(None, description="A file in a ConfigMap (at most 1 MiB).")
    volume: VolumeSource | None = Field(None, description="Files on a volume.")
    uri: URI | None = Field(
        None,
        description="Files behind https, or in an object store (s3, gs, abfs): one, a folder, or those that a glob "
        "matches, in the order of their names.",
    )
    secret_ref: ObjectRef | None = Field(
        None, description="The Secret, in the Dataset's namespace, whose keys open the uri [none: what all may read]."
    )
    arrival: Literal["Replace", "Append"] = Field(
        "Replace",
        description="Replace: each look reads all. Append: it reads the files that are new, by their names, or the "
        "rows that are new, by sql.cursor, and they come after those of the latest accepted version.",
    )
    version: int | None = Field(
        None, ge=0, description="The version of a Delta table, or the snapshot of an Iceberg table [the newest]."
    )
    settle: Duration | None = Field(
        None,
        description="For how long a file must not have changed to be taken [5s on a volume; at once elsewhere, where a "
        "file shows once it is whole].",
    )
    sql: SQLSource | None = Field(None, description="A query in a database.")
    query: QuerySource | None = Field(None, description="A query over other Datasets.")
    pushed: PushedSource | None = Field(
        None, description="Write {}: its versions come from runs alone, such as a BatchPrediction."
    )
    format: Format | None = Field(
        None,
        description="CSV, Parquet or JSONLines [from the file's extension]; "
        "Delta or Iceberg: the uri is a table's folder.",
    )
    csv: CSV | None = Field(None, description="How the files are written, where that is not found out by itself.")
