"""Checks that the serving benchmark gets the models that it needs from the runtime."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.bench.serving import models


def test_a_model_is_made_as_a_run_makes_it(tmp_path: Path) -> None:
    models._make("linear", tmp_path)
    request = json.loads((tmp_path / "asked.json").read_text())
    assert {path.name for path in Path(request["model"]).iterdir()} == {"model.json", "model.onnx"}
    assert len(request["rows"]) == len(request["labels"]) == models.ASKED
