"""The models that are served, fitted, converted and proven equal by the runtime's own code, and kept in the cache.

Our server gets the files that a training run writes; the peers get the same fitted estimator as joblib. Where all
features are numbers the peers get the estimator alone, without the imputer that ours has in front of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.common.paths import cache, locked
from tests.common.say import say

FEATURES, ROWS, ASKED, SEED = 64, 5000, 40, 7
CATEGORIES = 8
"""How many of the pipeline model's columns are texts."""
ALGORITHMS: dict[str, tuple[str, dict[str, Any]]] = {
    "forest": ("RandomForestClassifier", {"n_estimators": 100, "max_depth": 10}),
    "linear": ("LogisticRegression", {"max_iter": 500}),
    "boosting": ("HistGradientBoostingClassifier", {"max_iter": 100}),
    "pipeline": ("LogisticRegression", {"max_iter": 500}),
}
_LIBRARIES = ("scikit-learn", "skl2onnx", "onnx", "numpy")


@dataclass(frozen=True)
class BenchModel:
    """``rows`` are values in the order of ``columns`` (name and datatype); ``labels`` are scikit-learn's answers."""

    name: str
    folder: Path
    estimator: Path
    columns: list[tuple[str, str]]
    rows: list[list[Any]]
    labels: list[int]

    @property
    def numeric(self) -> bool:
        return all(datatype == "FP32" for _, datatype in self.columns)


def cached(name: str) -> BenchModel:
    """Returns the model; it is fitted only if the cache has none from the same code and libraries."""
    recipe = Path(__file__).read_bytes() + " ".join(map(version, _LIBRARIES)).encode()
    folder = cache() / "bench-serving" / f"{name}-{hashlib.sha256(recipe).hexdigest()[:12]}"
    with locked(f"bench-serving-{name}"):
        if not (folder / "asked.json").exists():
            say(f"fitting and converting {name} (kept in {folder.parent})")
            _make(name, folder)
    asked = json.loads((folder / "asked.json").read_text())
    columns = [(column, datatype) for column, datatype in asked["columns"]]
    return BenchModel(name, Path(asked["model"]), folder / "estimator.joblib", columns, asked["rows"], asked["labels"])


def _make(name: str, folder: Path) -> None:
    import joblib

    from modelyard_api.fields.trainer import Estimator
    from modelyard_runtime.export.export import export
    from modelyard_runtime.models import agreement, estimator, features, package
    from modelyard_runtime.models.thresholds import round_down
    from modelyard_runtime.pod.store import ArtifactStore
    from modelyard_runtime.tables.frames import Table

    class Folders(ArtifactStore):
        def __init__(self) -> None: ...

        def put(self, uri: str, data: bytes) -> None:
            Path(uri).parent.mkdir(parents=True, exist_ok=True)
            Path(uri).write_bytes(data)

    algorithm, params = ALGORITHMS[name]
    spec = Estimator.model_validate({"algorithm": algorithm, "params": params})
    whole = _table(categories=CATEGORIES if name == "pipeline" else 0)
    train, test = (
        Table(whole.intake, whole.given[part].reset_index(drop=True), whole.target[part])
        for part in (slice(0, ROWS * 4 // 5), slice(ROWS * 4 // 5, ROWS))
    )
    model = estimator.make(spec, SEED)
    kind = estimator.task_of(model, None)
    pipeline = features.pipeline(model, spec.features, train, kind, SEED)
    pipeline.fit(train.matrix(), train.target)
    round_down(model)
    stored = export(pipeline, train, test, kind, SEED)
    shown = package.example(stored.session, agreement.probes(test, SEED))
    known = train.categories()
    uri, _, _ = package.write(
        Folders(), str(folder), stored.data, kind, stored.layout, stored.session, shown, known, stored.format
    )
    joblib.dump(pipeline if train.categorical else model, folder / "estimator.joblib")
    rows = test.features.iloc[:ASKED]
    asked = {
        "model": uri,
        "columns": [(item.name, item.datatype) for item in train.intake.columns],
        "rows": rows.astype(object).to_numpy().tolist(),
        "labels": pipeline.predict(rows if train.categorical else rows.to_numpy()).tolist(),
    }
    (folder / "asked.json").write_text(json.dumps(asked))


def _table(categories: int) -> Any:
    """Returns ``FEATURES`` columns, the last ``categories`` of them cut into texts, and three classes, 0 to 2."""
    import pandas as pd
    from sklearn.datasets import make_classification

    from modelyard_api.fields.signature import Input
    from modelyard_runtime.tables.frames import Table
    from modelyard_runtime.tables.intake import Intake

    numbers, target = make_classification(
        ROWS, FEATURES, n_informative=24, n_redundant=8, n_classes=3, class_sep=1.5, random_state=SEED
    )
    frame = pd.DataFrame(numbers.astype("float32"), columns=[f"feature_{index}" for index in range(FEATURES)])
    texts = list(frame.columns[FEATURES - categories :])
    for name in texts:
        frame[name] = pd.qcut(frame[name], 6, labels=[f"{name}_{letter}" for letter in "abcdef"]).astype(object)
    inputs = [Input(name=name, datatype="BYTES" if name in texts else "FP32") for name in frame.columns]
    return Table(Intake(inputs), frame, target)
