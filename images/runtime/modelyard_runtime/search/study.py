"""Proposes trials with Optuna, whose study is in memory only: the journal is what is kept."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from modelyard_api.fields.metrics import METRICS
from modelyard_api.kinds.sweep import SweepSpec
from modelyard_runtime.search.space import Proposal, propose

SEEDS = 2**32
optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # the sampler's group


class Study:
    """Trials are numbered from 0 in the order in which they are asked for or restored.

    Each has a sampler of its own, whose seed is the sweep's plus its number. So the same answers in the same order lead
    to the same proposals, also after a restart, which has no sampler to take over.
    """

    def __init__(self, spec: SweepSpec) -> None:
        self._spec = spec
        direction = "maximize" if METRICS[spec.objective].greater_is_better else "minimize"
        self._study = optuna.create_study(direction=direction)

    def ask(self, number: int) -> Proposal:
        self._study.sampler = self._sampler((self._spec.sampler.seed + number) % SEEDS)
        trial = self._study.ask()
        assert trial.number == number, "the study and the trials count alike"
        return propose(self._spec.search, _Suggestions(trial))

    def tell(self, number: int, value: float | None) -> None:
        """Tells how a trial ended; a value of None means that it failed."""
        self._study.tell(number, value, state=TrialState.FAIL if value is None else TrialState.COMPLETE)

    def restore(self, proposal: Proposal) -> None:
        """Adds the next trial as one that runs."""
        distributions = _Distributions()
        known = propose(self._spec.search, _Known(proposal, distributions))
        self._study.add_trial(create_trial(state=TrialState.RUNNING, params=known, distributions=distributions))

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        if self._spec.sampler.name == "Random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)


_Distributions = dict[str, BaseDistribution]


class _Suggestions:
    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def choice(self, name: str, count: int) -> int:
        return int(self._trial.suggest_categorical(name, list(range(count))))

    def integer(self, name: str, low: int, high: int, log: bool) -> int:
        return self._trial.suggest_int(name, low, high, log=log)

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        return self._trial.suggest_float(name, low, high, log=log)


class _Known:
    """Draws what an earlier proposal has, and notes its distributions."""

    def __init__(self, proposal: Proposal, distributions: _Distributions) -> None:
        self._proposal, self._distributions = proposal, distributions

    def choice(self, name: str, count: int) -> int:
        return int(self._note(name, CategoricalDistribution(list(range(count)))))

    def integer(self, name: str, low: int, high: int, log: bool) -> int:
        return int(self._note(name, IntDistribution(low, high, log=log)))

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        return float(self._note(name, FloatDistribution(low, high, log=log)))

    def _note(self, name: str, distribution: BaseDistribution) -> Any:
        self._distributions[name] = distribution
        return self._proposal[name]
