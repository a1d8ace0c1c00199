"""How a model is trained: an estimator of scikit-learn with feature steps, a script, or a container of one's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import ColumnName, ConfigMapKey, Digest, Model, ObjectName, rule, rules


class NumericFeatures(Model):
    impute: Literal["Median", "Mean", "MostFrequent"] = Field("Median", description="What replaces a missing number.")
    scale: Literal["Auto", "None", "Standard", "MinMax"] = Field(
        "Auto",
        description=(
            "How numbers are scaled, in double precision; Auto: Standard for estimators that need it, such as linear "
            "models and neighbours, None for others, such as trees."
        ),
    )


class Fit(Model):
    """How an estimator was fitted."""

    scale: Literal["None", "Standard", "MinMax"] | None = Field(
        None, description="How numbers were scaled [there are no numbers]."
    )
    converged: bool | None = Field(
        None, description="Whether the estimator converged [it does not iterate until it converges]."
    )
    convergence_warning: str | None = Field(
        None, max_length=1024, description="What scikit-learn says of an estimator that did not converge."
    )


class CategoricalFeatures(Model):
    encode: Literal["OneHot", "Ordinal"] = Field("OneHot", description="How categories become numbers.")
    min_frequency: float | None = Field(
        None, gt=0, lt=1, description="Categories with a smaller share of the rows are treated as unknown [none]."
    )


class FeatureSelection(Model):
    method: Literal["MutualInformation", "FTest"] = Field(description="What columns are ranked by, after encoding.")
    keep: int = Field(ge=1, le=10000, description="How many of the encoded columns are kept, at most.")


class Features(Model):
    numeric: NumericFeatures = Field(default_factory=NumericFeatures, description="Columns that hold numbers.")
    categorical: CategoricalFeatures = Field(
        default_factory=CategoricalFeatures, description="Columns that hold categories."
    )
    select: FeatureSelection | None = Field(None, description="Keep the best encoded columns only [all].")
    exclude: list[ColumnName] = Field(default_factory=list, max_length=1000, description="Columns not to use.")


class Estimator(Model):
    algorithm: str = Field(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$",
        description="A scikit-learn estimator: a class name such as RandomForestClassifier, or a path in sklearn.",
    )
    params: dict[str, Any] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": 128},
        description=(
            "The estimator's own parameters, by scikit-learn's names; null needs server-side apply. "
            "categorical_features names columns, and needs features.categorical.encode: Ordinal."
        ),
    )
    features: Features = Field(default_factory=Features, description="How columns become features.")


class ScriptFiles(Model):
    name: ObjectName = Field(description="The ConfigMap, in the run's namespace; it is read once, when the run starts.")
    key: ConfigMapKey = Field(description="The key of its data that holds the Python source, such as train.py.")
    requirements: ConfigMapKey | None = Field(
        None,
        description=(
            "The key that holds a lock of the wheels that the script needs beside the runtime's, as uv pip compile "
            "--generate-hashes writes it [no wheels]."
        ),
    )


ScriptDigests = Annotated[dict[str, Digest], Field(json_schema_extra={"maxProperties": 2})]
"""The digests of a script's files, by key of its ConfigMap."""


class Bundle(Model):
    image: str = Field(
        max_length=512,
        pattern=r"^[^@\t\n\f\r ]+@sha256:[0-9a-f]{64}$",
        description="The bundle by its digest, such as registry.example.com/churn@sha256:...; it is mounted, not run.",
    )


class Script(Model):
    """A Python function that trains a model."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.configMap) != has(self.bundle)", "write exactly one of configMap and bundle"),
            rule(
                "has(self.bundle) == self.entry.contains(':')",
                "entry is a function, such as train, in a configMap, and module:function, such as acme.churn:train, in "
                "a bundle",
                ".entry",
            ),
        )
    )

    config_map: ScriptFiles | None = Field(None, description="The ConfigMap that holds the source.")
    bundle: Bundle | None = Field(
        None, description="An image with the code and its libraries, as a PipelineSource pushes it."
    )
    entry: str = Field(
        "train",
        min_length=1,
        max_length=256,
        pattern=r"^([A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)*:)?[A-Za-z_][A-Za-z0-9_]*$",
        description=(
            "The function, which takes the context and returns a fitted estimator of scikit-learn; in a bundle "
            "module:function."
        ),
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": 128},
        description="The function's own parameters, in context.parameters; null needs server-side apply.",
    )


class Container(Model):
    """Any image that reads /modelyard/in and writes a model to /modelyard/out."""

    image: str = Field(min_length=1, max_length=512, description="The image.")
    command: list[Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=list, max_length=64, description="The command [the image's entrypoint]."
    )
    args: list[Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=list, max_length=64, description="Its arguments; never secrets."
    )


class Trainer(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.estimator), has(self.script), has(self.container)].exists_one(form, form)",
                "write exactly one of estimator, script and container",
            )
        )
    )

    estimator: Estimator | None = Field(None, description="An estimator of scikit-learn.")
    script: Script | None = Field(None, description="A Python function of one's own, which the runtime's image runs.")
    container: Container | None = Field(None, description="A container of one's own.")

    @property
    def field(self) -> str:
        """Returns the field of a run's spec that says how it trains."""
        form = "estimator" if self.estimator else "script" if self.script else "container"
        return f"spec.trainer.{form}"
