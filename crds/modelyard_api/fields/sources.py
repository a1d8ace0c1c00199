"""Where the rows of a Dataset come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import ConfigMapKey, Duration, Model, ObjectName, ObjectRef, rule, rules
from modelyard_api.fields.csv import CSV

Format = Literal["CSV", "Parquet", "JSONLines"]


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


class PushedSource(Model):
    """Nothing is read: runs push tables, for example a BatchPrediction whose output is this Dataset."""


class Source(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.configMap), has(self.volume), has(self.uri), has(self.pushed)].exists_one(given, given)",
                "write exactly one of configMap, volume, uri and pushed",
            ),
            rule("!has(self.secretRef) || has(self.uri)", "secretRef belongs to uri; leave it out", ".secretRef"),
            rule(
                "!has(self.settle) || has(self.volume) || has(self.uri)",
                "settle belongs to the files of a volume or of uri; leave it out",
                ".settle",
            ),
            rule("!has(self.pushed) || !has(self.format)", "format belongs to files; leave it out beside pushed"),
            rule(
                "!has(self.csv) || !has(self.pushed) && (!has(self.format) || self.format == 'CSV')",
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
    settle: Duration | None = Field(
        None,
        description="For how long a file must not have changed to be taken [5s on a volume; at once elsewhere, where a "
        "file shows once it is whole].",
    )
    pushed: PushedSource | None = Field(
        None, description="Write {}: its versions come from runs alone, such as a BatchPrediction."
    )
    format: Format | None = Field(None, description="CSV, Parquet or JSONLines [from the file's extension].")
    csv: CSV | None = Field(None, description="How the files are written, where that is not found out by itself.")
