"""Checks proposals and what they stand for, and that the table of parameters is scikit-learn's."""

from __future__ import annotations

import importlib

import pytest

from modelyard_api.fields.algorithms import PATHS, task_of
from modelyard_api.fields.metrics import DEFAULT
from modelyard_api.fields.parameters import PARAMETERS
from modelyard_api.fields.search import Search
from modelyard_api.fields.space import is_integer, problem
from modelyard_runtime.search.space import estimator
from modelyard_runtime.search.study import Study
from tests.support import parameters
from tests.unit.search.pods import SPACE, spec

SEARCH = Search.model_validate(SPACE)


def test_the_table_is_scikit_learns() -> None:
    assert parameters.table() == PARAMETERS, "run python -m tests.support.parameters"
    assert parameters.FILE.read_text() == parameters.text()


def test_every_default_fits() -> None:
    """A value that scikit-learn itself has as the default is never refused."""
    for algorithm, known in PARAMETERS.items():
        module, _, name = PATHS[algorithm].rpartition(".")
        defaults = getattr(importlib.import_module(module), name)().get_params(deep=False)
        for parameter in known:
            default = defaults[parameter]
            if isinstance(default, tuple):
                default = list(default)
            if default == "deprecated" or (isinstance(default, float) and default != default):
                continue
            params = {parameter: {"values": [default]}}
            search = Search.model_validate({"candidates": [{"algorithm": algorithm, "params": params}]})
            task = task_of(algorithm)
            assert task is not None
            assert problem(search, DEFAULT[task]) is None, (algorithm, parameter, default)


@pytest.mark.parametrize(
    ("algorithm", "name", "low", "high", "whole"),
    [
        ("DecisionTreeClassifier", "min_samples_leaf", 1, 20, True),
        ("RandomForestClassifier", "max_features", 0.1, 1.0, False),
        ("LogisticRegression", "C", 1, 100, False),
        ("HistGradientBoostingClassifier", "max_bins", 2, 255, True),
    ],
)
def test_a_range_is_of_whole_numbers_where_they_are_taken(
    algorithm: str, name: str, low: float, high: float, whole: bool
) -> None:
    params = {name: {"low": low, "high": high}}
    candidate = Search.model_validate({"candidates": [{"algorithm": algorithm, "params": params}]}).candidates[0]
    assert is_integer(algorithm, name, candidate.params[name]) is whole


def test_what_proposals_stand_for() -> None:
    tree = estimator(SEARCH, {"candidate": 1, "1.max_depth": 0, "1.min_samples_leaf": 4, "select": 1, "keep": 2})
    assert (tree.algorithm, tree.params) == ("DecisionTreeClassifier", {"min_samples_leaf": 4})
    assert tree.features.select is not None
    assert (tree.features.select.method, tree.features.select.keep) == ("FTest", 2)
    line = estimator(SEARCH, {"candidate": 0, "0.C": 2.0, "select": 0})
    assert (line.algorithm, line.params, line.features.select) == ("LogisticRegression", {"C": 2.0}, None)


@pytest.mark.parametrize("sampler", ["TPE", "Random"])
def test_a_restored_study_goes_on_as_the_uninterrupted_one(sampler: str) -> None:
    """Also with a trial that runs at the restart, and with one that has failed."""
    settings = spec(sampler={"name": sampler, "seed": 3})
    whole, parts = Study(settings), Study(settings)
    proposals = []
    for number in range(20):
        proposals.append(whole.ask(number))
        parts.ask(number)
        if number in (12, 18):
            continue
        value = None if number == 5 else float(number % 7)
        whole.tell(number, value)
        parts.tell(number, value)
        if number == 15:
            parts = Study(settings)
            for earlier, proposal in enumerate(proposals):
                parts.restore(proposal)
                if earlier != 12:
                    parts.tell(earlier, None if earlier == 5 else float(earlier % 7))
    assert parts.ask(20) == whole.ask(20)
    assert len({str(proposal) for proposal in proposals}) > 10
    assert any("0.C" in proposal for proposal in proposals)
    assert not any("0.C" in proposal and proposal["candidate"] == 1 for proposal in proposals)
