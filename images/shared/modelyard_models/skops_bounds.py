"""Checks the indices in a loaded model that compiled code uses as addresses, because scikit-learn doesn't.

A tree's nodes refer to each other and to a column by index. A changed index would make the first prediction read
beyond the end of an array (https://github.com/scikit-learn/scikit-learn/pull/34558). Other data that compiled code
trusts, such as a support vector machine's arrays, is not checked: an imported model, and its digest, must come from a
trusted source.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree._tree import Tree

from modelyard_models.skops_types import NotAllowed

Array = NDArray[Any]


def check(model: Any) -> None:
    """Raises NotAllowed if a decision tree has an index out of bounds; rebuilds the trees of nearest neighbours."""
    seen: set[int] = set()
    todo: list[tuple[Any, int | None]] = [(model, None)]
    while todo:
        item, columns = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tree):
            _check_tree(item, columns)
        elif type(item).__name__ == "TreePredictor":
            _check_predictor(item, columns)
        elif isinstance(item, dict):
            todo.extend((value, columns) for value in item.values())
        elif isinstance(item, list | tuple) or (isinstance(item, np.ndarray) and item.dtype == object):
            todo.extend((value, columns) for value in item)
        elif hasattr(item, "__dict__"):
            _rebuild(item)
            # Each estimator around a tree checks its input's number of columns, so the smallest number is the bound. (A
            # pipeline has the number of its first step, and not as an attribute.)
            expected = vars(item).get("n_features_in_")
            if isinstance(expected, int | np.integer):
                columns = int(expected) if columns is None else min(columns, int(expected))
            todo.extend((value, columns) for value in vars(item).values())


def _check_tree(tree: Any, columns: int | None) -> None:
    inner = tree.children_left != -1
    _children(tree.children_left[inner], tree.children_right[inner], np.flatnonzero(inner), tree.node_count)
    _columns(tree.feature[inner], columns)


def _check_predictor(tree: Any, columns: int | None) -> None:
    nodes = tree.nodes
    inner = nodes["is_leaf"] == 0
    left, right = nodes["left"][inner].astype(np.int64), nodes["right"][inner].astype(np.int64)
    _children(left, right, np.flatnonzero(inner), len(nodes))
    _columns(nodes["feature_idx"][inner], columns)
    split = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    if not ((split >= 0) & (split < len(tree.raw_left_cat_bitsets))).all():
        raise NotAllowed("a tree in it has an index of categories out of bounds")


def _children(left: Array, right: Array, parents: Array, count: int) -> None:
    for child in (left, right):
        # A child must come after its parent: with a cycle a prediction would never end.
        if not ((child > parents) & (child < count)).all():
            raise NotAllowed("a tree in it has a child out of bounds")


def _columns(indices: Array, columns: int | None) -> None:
    if columns is None or not ((indices >= 0) & (indices < columns)).all():
        raise NotAllowed("a tree in it asks for a column out of bounds")


def _rebuild(item: Any) -> None:
    tree = getattr(item, "_tree", None)
    if isinstance(tree, KDTree | BallTree):
        metric, params = item.effective_metric_, item.effective_metric_params_
        item._tree = type(tree)(item._fit_X, item.leaf_size, metric=metric, **params)
