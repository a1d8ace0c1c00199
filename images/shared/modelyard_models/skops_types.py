"""Checks the types in a skops file against a list of allowed types, without loading the file.

skops by default trusts all that it knows (every estimator, every function of NumPy); here each type is listed, with its
role. No role loads a pickle. An allowed type can still hold wrong numbers: see ``skops_bounds``.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

PROTOCOL = 2
"""The protocol of skops files. A file with an older one would be read by older code in skops."""
SCHEMA = "schema.json"
MAX_UNPACKED = 2 * 1024**3
"""Most bytes of all members of a file, unpacked."""

_NUMBERS = "bool float32 float64 int32 int64 uint8 uint32 uint64"
_NUMPY = frozenset(f"numpy.{name}" for name in _NUMBERS.split())
_LOSSES = "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss "
_LOSSES += "HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss"
_OF_SKLEARN = {
    "_loss.link": "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
    "_loss.loss": _LOSSES,
    "calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration",
    "compose._column_transformer": "ColumnTransformer",
    "cross_decomposition._pls": "PLSRegression",
    "discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "dummy": "DummyClassifier DummyRegressor",
    "ensemble._bagging": "BaggingClassifier BaggingRegressor",
    "ensemble._forest": "ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier RandomForestRegressor",
    "ensemble._gb": "GradientBoostingClassifier GradientBoostingRegressor",
    "ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "ensemble._hist_gradient_boosting.gradient_boosting": (
        "HistGradientBoostingClassifier HistGradientBoostingRegressor"
    ),
    "ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "ensemble._weight_boosting": "AdaBoostClassifier AdaBoostRegressor",
    "feature_selection._univariate_selection": "SelectKBest",
    "gaussian_process._gpc": "GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace",
    "gaussian_process._gpr": "GaussianProcessRegressor",
    "gaussian_process.kernels": "ConstantKernel Product RBF",
    "impute._base": "SimpleImputer",
    "kernel_ridge": "KernelRidge",
    "linear_model._base": "LinearRegression",
    "linear_model._bayes": "ARDRegression BayesianRidge",
    "linear_model._coordinate_descent": "ElasticNet ElasticNetCV Lasso LassoCV",
    "linear_model._glm.glm": "GammaRegressor PoissonRegressor TweedieRegressor",
    "linear_model._huber": "HuberRegressor",
    "linear_model._least_angle": "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
    "linear_model._logistic": "LogisticRegression LogisticRegressionCV",
    "linear_model._omp": "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
    "linear_model._passive_aggressive": "PassiveAggressiveClassifier PassiveAggressiveRegressor",
    "linear_model._perceptron": "Perceptron",
    "linear_model._quantile": "QuantileRegressor",
    "linear_model._ransac": "RANSACRegressor",
    "linear_model._ridge": "Ridge RidgeCV RidgeClassifier RidgeClassifierCV",
    "linear_model._stochastic_gradient": "SGDClassifier SGDRegressor",
    "linear_model._theil_sen": "TheilSenRegressor",
    "metrics._dist_metrics": "ChebyshevDistance64 EuclideanDistance64 ManhattanDistance64 MinkowskiDistance64",
    "multiclass": "OneVsRestClassifier",
    "naive_bayes": "BernoulliNB ComplementNB GaussianNB MultinomialNB",
    "neighbors._ball_tree": "BallTree",
    "neighbors._classification": "KNeighborsClassifier RadiusNeighborsClassifier",
    "neighbors._kd_tree": "KDTree",
    "neighbors._nearest_centroid": "NearestCentroid",
    "neighbors._regression": "KNeighborsRegressor RadiusNeighborsRegressor",
    "neural_network._multilayer_perceptron": "MLPClassifier MLPRegressor",
    "neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "pipeline": "Pipeline",
    "preprocessing._data": "MinMaxScaler StandardScaler",
    "preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
    "preprocessing._function_transformer": "FunctionTransformer",
    "preprocessing._label": "LabelBinarizer LabelEncoder",
    "semi_supervised._label_propagation": "LabelPropagation LabelSpreading",
    "svm._classes": "LinearSVC LinearSVR NuSVC NuSVR SVC SVR",
    "tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
}
_SGD_LOSSES = "EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive SquaredHinge"

ALLOWED: dict[str, frozenset[str]] = {
    "DTypeNode": frozenset({"numpy.dtype"}),
    "DictNode": frozenset({"builtins.dict"}),
    "JsonNode": frozenset({"builtins.str"}),
    "ListNode": frozenset({"builtins.list"}),
    "LossNode": frozenset(
        {f"sklearn._loss._loss.Cy{name}" for name in _LOSSES.split()}
        | {f"sklearn.linear_model._sgd_fast.{name}" for name in _SGD_LOSSES.split()}
    ),
    "NdArrayNode": _NUMPY | {"numpy.ndarray"},
    "ObjectNode": frozenset(
        f"sklearn.{module}.{name}" for module, names in _OF_SKLEARN.items() for name in names.split()
    ),
    "RandomGeneratorNode": frozenset({"numpy.random._generator.Generator"}),
    "RandomStateNode": frozenset({"numpy.random.mtrand.RandomState"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": _NUMPY | {"builtins.bool", "builtins.float", "builtins.int", "builtins.str"},
}
"""Role (skops' name of a loader) -> the types it may load. There are no functions among them, only types."""
TRUSTED = sorted(frozenset[str]().union(*ALLOWED.values()))
"""The types that skops is told to trust, after ``check`` has passed."""


class NotAllowed(Exception):
    """The file holds a type or value that is never loaded; the message names it."""


def check(data: bytes) -> None:
    """Raises NotAllowed, which names the first wrong type, unless every type in the file is allowed in its role."""
    schema = _schema(data)
    if schema.get("protocol") != PROTOCOL:
        raise NotAllowed(f"its {SCHEMA} says protocol {str(schema.get('protocol'))[:40]}; only {PROTOCOL} is loaded")
    todo: list[Any] = [schema]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo.extend(reversed(item))
        elif isinstance(item, dict):
            # skops reads a dict with any of these keys as the description of an object.
            if item.keys() & {"__loader__", "__class__", "__module__"}:
                _check_type(item)
            todo.extend(reversed(item.values()))


def _schema(data: bytes) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = file.infolist()
            if len({item.filename for item in members}) != len(members):
                raise NotAllowed("two of its members have one name")
            size = sum(item.file_size for item in members)
            if size > MAX_UNPACKED:
                raise NotAllowed(f"unpacked it has {size} bytes; at most {MAX_UNPACKED} are loaded")
            schema = json.loads(file.read(SCHEMA))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        raise NotAllowed(f"it is no skops file: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(schema, dict):
        raise NotAllowed(f"it is no skops file: {SCHEMA} holds no object")
    return schema


def _check_type(state: dict[str, Any]) -> None:
    role, name = str(state.get("__loader__")), f"{state.get('__module__')}.{state.get('__class__')}"
    if role not in ALLOWED:
        raise NotAllowed(f"{name[:200]} would be loaded by {role[:80]}, which is never done")
    if name not in ALLOWED[role]:
        raise NotAllowed(f"the type {name[:200]} is not among those that are loaded")
