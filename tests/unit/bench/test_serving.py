"""What the serving benchmark needs of the runtime."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.bench.serving import models


def test_a_model_is_made_as_a_run_makes_it(tmp_path: Path) -> None:
    models._make("linear", tmp_path)
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert {path.name for path in Path(asked["model"]).iterdir()} == {"model.json", "model.onnx"}
    assert len(asked["rows"]) == len(asked["labels"]) == models.ASKED
