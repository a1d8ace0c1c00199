"""The scenarios. Each has a part that is played undisturbed, and the story, in which faults happen."""

from __future__ import annotations

from tests.harness.faults import arrival, packing, pipelines, rollouts, sources, workspaces
from tests.harness.faults import objects as o
from tests.harness.faults.scenario import Scenario, main_job, nothing, ready_to_train, two_versions
from tests.harness.faults.stage import Stage


async def read_often(stage: Stage) -> None:
    await main_job(stage)
    await stage.apply(o.dataset(checkEvery="5s"))
    await stage.reach("it was read again", lambda: stage.holds("Dataset", o.DATASET))


async def new_data(stage: Stage) -> None:
    """New rows lead to a new DatasetVersion; a run on it trains a model that replaces the served one."""
    before = stage.status("Dataset", o.DATASET)["latest"]
    await stage.put_data(o.MORE)
    await stage.reach("a new version", lambda: stage.status("Dataset", o.DATASET).get("latest") != before)
    await stage.apply(o.run(o.SECOND))
    await stage.reach("version 2 is served", lambda: stage.serves(2))


async def edit(stage: Stage) -> None:
    """A person edits the spec of a Dataset, of a Model and of a ModelDeployment."""
    await stage.apply(o.dataset(validation={"minRows": 10}))
    await stage.reach("it was read again", lambda: stage.holds("Dataset", o.DATASET))
    gate = {"name": "sure-enough", "metric": "log_loss", "max": 0.1}
    await stage.apply(o.model(gates=[gate]))
    version = f"{o.MODEL}-v1"
    await stage.reach("it was judged anew", lambda: stage.holds("ModelVersion", version, "Approved", "False"))
    await stage.apply(o.deployment(replicas=2))
    await stage.reach("two replicas", lambda: stage.serves(1, 2))


async def pin(stage: Stage) -> None:
    """Goes back to an older version by the Model's pin, forward again, and back by the deployment's modelRef."""
    await stage.edit("Model", o.MODEL, {"spec": {"pin": {"version": 1}}})
    await stage.reach("version 1 is served", lambda: stage.serves(1))
    await stage.edit("Model", o.MODEL, {"spec": {"pin": None}})
    await stage.reach("version 2 is served", lambda: stage.serves(2))
    await stage.edit("ModelDeployment", o.DEPLOYMENT, {"spec": {"modelRef": {"alias": None, "version": 1}}})
    await stage.reach("version 1 is served again", lambda: stage.serves(1))


async def failure(stage: Stage) -> None:
    """A training pod fails by the user's error, and another run's model fails the gate."""
    await stage.apply(o.bad_run("bad"))
    await stage.reach("the run has failed", lambda: stage.holds("TrainingRun", "bad", "Failed"))
    await stage.apply(o.weak_run("weak"), o.deployment())
    await stage.reach("the run is complete", lambda: stage.holds("TrainingRun", "weak", "Complete"))
    version = f"{o.MODEL}-v1"
    await stage.reach("it is not approved", lambda: stage.holds("ModelVersion", version, "Approved", "False"))


async def script(stage: Stage) -> None:
    """A run trains by a script, whose ConfigMap changes once the run is complete."""
    code = {"configMap": {"name": "code", "key": "train.py"}}
    await stage.put_script("def train(context): ...")
    await stage.apply(o.run(trainer={"script": code}))
    await stage.reach("the run is complete", lambda: stage.holds("TrainingRun", o.RUN, "Complete"))
    await stage.put_script("def train(context): return 1")
    await stage.apply(o.deployment())
    await stage.reach("its version is served", lambda: stage.serves(1))


async def pause(stage: Stage) -> None:
    """A run is suspended while its pod runs, and later resumed."""
    stage.player.stopped = True
    await stage.apply(o.run())
    await stage.reach("it runs", lambda: stage.status("TrainingRun", o.RUN).get("phase") == "Running")
    await stage.edit("TrainingRun", o.RUN, {"spec": {"suspend": True}})
    await stage.reach("its pod is gone", lambda: stage.alive_pods(o.RUN) == 0)
    stage.player.stopped = False
    await stage.edit("TrainingRun", o.RUN, {"spec": {"suspend": False}})
    await stage.reach("the run is complete", lambda: stage.holds("TrainingRun", o.RUN, "Complete"))


async def search(stage: Stage) -> None:
    """A sweep's best trial is trained and served."""
    await stage.apply(o.sweep("search"), o.deployment())
    await stage.reach("the best trial is registered", lambda: stage.holds("Sweep", "search", "Complete"))
    await stage.reach("it is served", lambda: stage.serves(1))


async def bring(stage: Stage) -> None:
    """A model that was trained elsewhere is imported."""
    data = stage.status("Dataset", o.DATASET)["latest"]
    await stage.apply(o.imported(1, data), o.deployment())
    await stage.reach("it is served", lambda: stage.serves(1))


async def delete(stage: Stage) -> None:
    """Deletes an object of each kind, one after the other; a TrainingRun also while its pod runs."""
    stage.player.stopped = True
    await stage.apply(o.run(o.SECOND))
    await stage.reach("it runs", lambda: stage.status("TrainingRun", o.SECOND).get("phase") == "Running")
    await stage.delete("TrainingRun", o.SECOND)
    await stage.reach("its pod is gone", lambda: stage.alive_pods(o.SECOND) == 0)
    stage.player.stopped = False
    latest, version = stage.status("Dataset", o.DATASET)["latest"], f"{o.MODEL}-v1"
    uid = stage.uid("DatasetVersion", latest)
    for kind, name in (("DatasetVersion", latest), ("ModelVersion", version), ("Model", o.MODEL)):
        await stage.reach(f"{kind} is held", lambda kind=kind, name=name: not stage.free(kind, name))  # type: ignore[misc]
    for kind, name in (("DatasetVersion", latest), ("ModelVersion", version)):
        await stage.delete(kind, name)
        await stage.reach(f"{kind} waits for its users", lambda kind=kind, name=name: stage.blocked(kind, name))  # type: ignore[misc]
    await stage.reach("no champion", lambda: stage.holds("Model", o.MODEL, "ChampionAvailable", "False"))
    await stage.delete("ModelDeployment", o.DEPLOYMENT)
    await stage.reach(
        "its pods and its version are gone", lambda: stage.gone("Deployment") and stage.gone("ModelVersion")
    )
    await stage.reach("it is made anew", lambda: stage.uid("DatasetVersion", latest) not in ("", uid))
    await stage.reach("it is accepted", lambda: stage.holds("DatasetVersion", latest))
    await stage.reach("the Dataset is Ready", lambda: stage.status("Dataset", o.DATASET).get("latest") == latest)
    for kind, name, child in (
        ("TrainingRun", o.RUN, "TrainingRun"),
        ("Model", o.MODEL, "Model"),
        ("Dataset", o.DATASET, "Job"),
    ):
        await stage.reach(f"nothing uses {kind}", lambda kind=kind, name=name: stage.free(kind, name))  # type: ignore[misc]
        await stage.delete(kind, name)
        await stage.reach(f"what {kind} owned is gone", lambda child=child: stage.gone(child))  # type: ignore[misc]


async def children(stage: Stage) -> None:
    """Somebody deletes the objects that our objects own, and the operator creates them again."""
    for kind, name in (
        ("Deployment", f"{o.DEPLOYMENT}-v1"),
        ("Service", o.DEPLOYMENT),
        ("PodDisruptionBudget", o.DEPLOYMENT),
    ):
        old = (kind, name, stage.uid(kind, name))
        await stage.delete(kind, name)
        await stage.reach(f"{kind} is back", lambda old=old: stage.is_back(*old))  # type: ignore[misc]
    await stage.reach("version 1 is served", lambda: stage.serves(1))
    stage.player.stopped = True
    await stage.apply(o.run(o.SECOND))
    await stage.reach("it runs", lambda: stage.status("TrainingRun", o.SECOND).get("phase") == "Running")
    job = stage.status("TrainingRun", o.SECOND)["job"]
    uid = stage.uid("Job", job)
    await stage.delete("Job", job)
    await stage.reach("the Job is back", lambda: stage.uid("Job", job) not in ("", uid))
    stage.player.stopped = False
    await stage.reach("version 2 is served", lambda: stage.serves(2))


async def again(stage: Stage) -> None:
    """Objects are deleted and at once applied again under the same name."""
    await stage.renew(o.run())
    await stage.reach("version 2 is served", lambda: stage.serves(2))
    await stage.renew(o.deployment())
    await stage.reach("version 2 is served anew", lambda: stage.serves(2))
    await stage.delete("ModelDeployment", o.DEPLOYMENT)
    await stage.reach("nothing uses the Model", lambda: stage.free("Model", o.MODEL))
    await stage.renew(o.model())
    await stage.reach("the old versions are gone", lambda: stage.gone("ModelVersion"))
    await stage.reach("nothing uses the Dataset", lambda: stage.free("Dataset", o.DATASET))
    await stage.renew(o.dataset())
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))
    await stage.apply(o.run("third"), o.deployment())
    await stage.reach("the new Model goes on with version 3", lambda: stage.serves(3))


async def ready_to_score(stage: Stage) -> None:
    await ready_to_train(stage)
    await stage.apply(o.run(), o.scored())
    await stage.reach("there is a champion", lambda: stage.holds("Model", o.MODEL, "ChampionAvailable"))


async def batch(stage: Stage) -> None:
    """Two runs push into one Dataset. Later the same answers are pushed again, and a table is refused."""
    for run in (o.prediction("one"), o.prediction("two", "x"), o.prediction("again")):
        await stage.apply(run)
        name = run["metadata"]["name"]
        await stage.reach("it is registered", lambda name=name: stage.holds("BatchPrediction", name, "Complete"))  # type: ignore[misc]
    await stage.reach("two versions", lambda: stage.status("Dataset", o.SCORED).get("versions") == 2)
    await stage.delete("BatchPrediction", "two")
    await stage.apply(o.scored(validation={"minRows": 1000}), o.prediction("small", "y"))
    await stage.reach("it is refused", lambda: stage.holds("BatchPrediction", "small", "Failed"))


async def monitor(stage: Stage) -> None:
    """A monitor watches a version, then the one that follows it, and is suspended."""
    await stage.apply(o.monitor())
    await stage.reach("it watches", lambda: stage.status("ModelMonitor", o.WATCH).get("modelVersion") == "species-v1")
    await stage.apply(o.run(o.SECOND))
    await stage.reach("version 2", lambda: stage.status("ModelMonitor", o.WATCH).get("modelVersion") == "species-v2")
    await stage.edit("ModelMonitor", o.WATCH, {"spec": {"suspend": True}})
    await stage.reach("it is suspended", lambda: stage.holds("ModelMonitor", o.WATCH, "Suspended"))


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("main", nothing, main_job),
        Scenario("new-data", read_often, new_data, ("Dataset", "DatasetVersion", "TrainingRun")),
        Scenario("edit", main_job, edit, ("Dataset", "Model", "ModelVersion", "ModelDeployment")),
        Scenario("pin", two_versions, pin, ("Model", "ModelDeployment")),
        Scenario("failure", ready_to_train, failure, ("TrainingRun", "ModelVersion")),
        Scenario("script", ready_to_train, script, ("TrainingRun",)),
        Scenario("pause", ready_to_train, pause, ("TrainingRun",)),
        Scenario("search", ready_to_train, search, ("Sweep", "TrainingRun")),
        Scenario("import", ready_to_train, bring, ("ModelVersion",)),
        Scenario("batch", ready_to_score, batch, ("Dataset", "DatasetVersion", "BatchPrediction")),
        Scenario("monitor", main_job, monitor, ("ModelMonitor",)),
        Scenario("delete", main_job, delete),
        Scenario("children", main_job, children, ("ModelDeployment", "TrainingRun")),
        Scenario("again", main_job, again),
        *rollouts.SCENARIOS,
        packing.SCENARIO,
        *arrival.SCENARIOS,
        sources.SCENARIO,
        pipelines.SCENARIO,
        workspaces.SCENARIO,
    )
}
