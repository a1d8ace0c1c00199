"""What a user's training function is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from modelyard_runtime.tables.frames import Table


@dataclass(frozen=True)
class Context:
    """``train`` has the columns and the target; ``test`` has the held-out rows without it: they score the model later,
    so nothing should be chosen by them."""

    train: pd.DataFrame
    test: pd.DataFrame
    columns: list[str]
    """The columns that the model is asked with: numbers as float32, categories as texts; missing is NaN or ``""``."""
    target: str
    parameters: dict[str, Any]
    seed: int
    out: Path
    """The folder for model.onnx, if the function returns nothing."""
    log: Callable[..., None]
    """``log(metric, value, step=0)`` reports a metric to the tracking server."""


def rows_with_target(table: Table, target: str) -> pd.DataFrame:
    """Returns features and target, texts as objects: with pandas' own type of texts models would know other classes."""
    dtype = table.target.dtype
    return table.features.assign(**{target: pd.Series(table.target, index=table.features.index, dtype=dtype)})
