"""Sweep: search algorithms, features and parameters by many trials, and train the best."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelyard_api.fields.base import NAME_RULE, Duration, Kind, Model, ObjectRef, StatusName
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.metrics import Metric
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate, RunPolicy
from modelyard_api.fields.search import Search
from modelyard_api.fields.status import Outputs, Progress, RunStatus
from modelyard_api.fields.updates import immutable_once_started
from modelyard_api.kinds.trainingrun import DatasetRef


class Sampler(Model):
    name: Literal["TPE", "Random"] = Field("TPE", description="How the next trial is proposed.")
    seed: int = Field(0, ge=0, le=4294967295, description="The seed of proposals, of estimators and of the training.")


class CrossValidation(Model):
    folds: int = Field(5, ge=2, le=20, description="In how many parts the training rows are divided.")
    seed: int = Field(0, ge=0, le=4294967295, description="The seed of the division; it is the same in every trial.")


class SweepSpec(RunPolicy):
    dataset_ref: DatasetRef = Field(description="The data; its version is resolved once, when the sweep starts.")
    model_ref: ObjectRef | None = Field(
        None, description="The Model that the best trial is trained for [it is only reported, and not trained]."
    )
    objective: Metric = Field(description="The metric to search by, as the mean over the folds.")
    sampler: Sampler = Field(default_factory=Sampler, description="How trials are proposed.")
    max_trials: int = Field(ge=1, le=1000, description="How many trials are finished, in success or failure.")
    max_failed_trials: int = Field(10, ge=0, le=1000, description="More failed trials than this fail the sweep.")
    parallel_trials: int = Field(1, ge=1, le=16, description="How many pods try at once, each one trial at a time.")
    trial_timeout: Duration = Field("5m", description="The time after which a trial is ended, and counts as failed.")
    validation: CrossValidation = Field(
        default_factory=CrossValidation, description="How a trial is scored: by cross-validation on the training rows."
    )
    search: Search = Field(description="What is searched.")
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The pods that try, and that train.")


class Trials(Model):
    running: int = Field(0, ge=0, description="How many run now.")
    succeeded: int = Field(0, ge=0, description="How many have a score.")
    failed: int = Field(0, ge=0, description="How many failed or took too long.")


class BestTrial(Model):
    trial: int = Field(ge=0, description="Its number, from 0.")
    value: float = Field(description="The objective, as the mean over the folds.")
    params: dict[str, Annotated[str, Field(max_length=256)]] = Field(
        json_schema_extra={"maxProperties": 40},
        description="Its algorithm, its parameters and its selection of features, as text.",
    )


class SweepOutputs(Outputs):
    training_run: StatusName | None = Field(None, description="The TrainingRun of the best trial.")


class SweepStatus(RunStatus):
    dataset_version: StatusName | None = Field(None, description="The DatasetVersion that was resolved.")
    image: str | None = Field(None, max_length=512, description="The image of the pods.")
    trials: Trials | None = Field(None, description="How many trials there are.")
    best: BestTrial | None = Field(None, description="The best trial so far.")
    progress: Progress | None = Field(None, description="How far the search is.")
    outputs: SweepOutputs | None = Field(None, description="What it made.")


class Sweep(Kind):
    """Search algorithms, features and parameters by many trials; the best is trained and registered."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Sweep",
        plural="sweeps",
        short="sweep",
        owns=("Job", "Service", "TrainingRun"),
        refers=(
            Reference(".spec.datasetRef.name", "Dataset"),
            Reference(".spec.datasetRef.version", "DatasetVersion"),
            Reference(".spec.modelRef.name", "Model"),
            *POD_TEMPLATE_REFERENCES,
        ),
        runs=Run("sweep", under_way="Searching"),
        operator=("create", "patch"),
        rules=(
            NAME_RULE,
            immutable_once_started(
                "Sweep",
                *("datasetRef", "modelRef", "objective", "sampler", "maxTrials", "maxFailedTrials", "parallelTrials"),
                *("trialTimeout", "validation", "search", "backoffLimit", "podTemplate"),
            ),
        ),
        columns=(
            Column("Phase", ".status.phase"),
            Column("Model", ".spec.modelRef.name"),
            Column("Progress", ".status.progress.message"),
            Column("Objective", ".spec.objective"),
            Column("Best", ".status.best.value", "number"),
            Column("Version", ".status.outputs.modelVersion"),
            Column("Message", ".status.conditions[?(@.type=='Ready')].message", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("trials", ".status.trials", "Its trials, by how they are.", label="state"),
            Figure("best_value", ".status.best.value", "The objective of its best trial."),
            Figure("start_timestamp_seconds", ".status.startTime", "When it started."),
            Figure("completion_timestamp_seconds", ".status.completionTime", "When it ended."),
        ),
    )

    spec: SweepSpec = Field(description="What is searched, and how.")
    status: SweepStatus = Field(default_factory=SweepStatus, description="How it went.")
