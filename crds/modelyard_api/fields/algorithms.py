"""The short names of algorithms, the task of each, and whether it needs scaled numbers."""

from __future__ import annotations

import difflib

from modelyard_api.fields.metrics import Task

_CLASSIFIERS = {
    "linear_model": ("LogisticRegression", "SGDClassifier"),
    "ensemble": (
        "RandomForestClassifier",
        "ExtraTreesClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "AdaBoostClassifier",
    ),
    "tree": ("DecisionTreeClassifier",),
    "neighbors": ("KNeighborsClassifier",),
    "naive_bayes": ("GaussianNB",),
    "svm": ("SVC",),
    "neural_network": ("MLPClassifier",),
    "discriminant_analysis": ("LinearDiscriminantAnalysis",),
}
_REGRESSORS = {
    "linear_model": ("LinearRegression", "Ridge", "Lasso", "ElasticNet", "BayesianRidge", "HuberRegressor"),
    "ensemble": (
        "RandomForestRegressor",
        "ExtraTreesRegressor",
        "GradientBoostingRegressor",
        "HistGradientBoostingRegressor",
        "AdaBoostRegressor",
    ),
    "tree": ("DecisionTreeRegressor",),
    "neighbors": ("KNeighborsRegressor",),
    "svm": ("SVR",),
    "neural_network": ("MLPRegressor",),
}

PATHS: dict[str, str] = {
    name: f"sklearn.{module}.{name}"
    for table in (_CLASSIFIERS, _REGRESSORS)
    for module, names in table.items()
    for name in names
}
TASKS: dict[str, Task] = {
    name: task
    for table, task in ((_CLASSIFIERS, Task.CLASSIFICATION), (_REGRESSORS, Task.REGRESSION))
    for names in table.values()
    for name in names
}


SCALE_SENSITIVE = frozenset(
    (
        "calibration",  # of a LinearSVC, unless another estimator is named
        "compose",  # TransformedTargetRegressor, of a LinearRegression
        "cross_decomposition",
        "discriminant_analysis",
        "gaussian_process",
        "kernel_ridge",
        "linear_model",
        "neighbors",
        "neural_network",
        "semi_supervised",
        "svm",
    )
)
"""Packages of scikit-learn whose estimators penalize, measure distances, or descend a gradient. A column of large
numbers outweighs all others in them, so they need all columns on one scale."""


def needs_scale(path: str) -> bool:
    """Returns whether an estimator, by its full path, needs scaled numbers.

    Of naive Bayes only GaussianNB does: its ``var_smoothing`` is a share of the greatest variance of all columns. The
    others count, or look for a value above 0, which a scaled number no longer is.
    """
    _, package, *_, name = path.split(".")
    return package in SCALE_SENSITIVE or name == "GaussianNB"


def path_of(algorithm: str) -> str:
    """Returns the import path of an algorithm. Raises ValueError, with the nearest names, if it isn't known."""
    if algorithm in PATHS:
        return PATHS[algorithm]
    if algorithm.startswith("sklearn.") and algorithm.count(".") >= 2:
        return algorithm
    near = difflib.get_close_matches(algorithm, PATHS, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(
        f"spec.trainer.estimator.algorithm: {algorithm!r} is not known; {hint}Write one of {', '.join(sorted(PATHS))}, "
        "or a full path such as sklearn.linear_model.RidgeClassifier"
    )


def task_of(algorithm: str) -> Task | None:
    """Returns an algorithm's task, or None if only the class itself can tell (for a full path)."""
    return TASKS.get(algorithm.rsplit(".", 1)[-1])
