"""Trains a model of a penguin's species on its measures."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline


def train(context: Any) -> Any:
    """Returns the fitted pipeline; ``context`` has the rows and the parameters of the run."""
    numbers = context.train[context.columns].select_dtypes("number")
    forest = RandomForestClassifier(context.parameters["trees"], random_state=context.seed)
    return make_pipeline(SimpleImputer(), forest).fit(numbers, context.train[context.target])
