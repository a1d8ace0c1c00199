"""Small ONNX models of two columns, ``a`` and ``b``, that predict yes or no; some of them misbehave meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

COLUMNS = ("a", "b")
_YES = ((0.0, 0.0), (0.0, 0.0)), (0.0, 1.0)


def const(name: str, values: Any, kind: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.array(values, kind), name)


def texts(name: str, values: Sequence[str]) -> TensorProto:
    return helper.make_tensor(name, TensorProto.STRING, [len(values)], [value.encode() for value in values])


def node(kind: str, inputs: str, output: str, **more: Any) -> NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **more)


@dataclass
class Graph:
    """A model whose label is yes where the second value of ``input @ weights + bias`` is the greater one."""

    weights: Any = _YES[0]
    bias: Any = _YES[1]
    parts: list[TensorProto] = field(default_factory=list)
    first: list[NodeProto] = field(default_factory=list)
    """Extra nodes before the comparison; the last of them computes ``raw`` from ``raw0``."""
    columns: tuple[str, str] = COLUMNS
    label: list[NodeProto] | None = None
    """Nodes that compute the label instead of the comparison."""

    def data(self, name: str) -> bytes:
        """Returns the model's bytes; different names give equal models different bytes."""
        gemm = node("Gemm", "input weights bias", "raw0" if self.first else "raw")
        chosen = [node("ArgMax", "raw", "i", axis=1, keepdims=0), node("Gather", "classes i", "label")]
        nodes = self.label or [*self.first[:-1], gemm, *self.first[-1:], *chosen]
        parts = [const("weights", self.weights), const("bias", self.bias), texts("classes", ("no", "yes")), *self.parts]
        info = helper.make_tensor_value_info
        source, target = info("input", TensorProto.FLOAT, [None, 2]), info("label", TensorProto.STRING, [None])
        graph = helper.make_graph(nodes, "g", [source], [target], parts)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        model.doc_string = name
        return bytes(model.SerializeToString())


def above(cut: float) -> Graph:
    """Returns a model that predicts yes where column a is above ``cut``."""
    return Graph(((0.0, 1.0), (0.0, 0.0)), (0.0, -cut))


def _failing() -> Graph:
    """Returns a model that looks up b in a list of seven, so that a larger b than the data had is an error."""
    parts = [texts("seven", ["yes"] * 7), const("second", [1], np.int64), const("one", [1], np.int64)]
    nodes = [
        node("Gather", "input second", "column", axis=1),
        node("Squeeze", "column one", "b"),
        node("Cast", "b", "i", to=TensorProto.INT64),
        node("Gather", "seven i", "label"),
    ]
    return Graph(parts=parts, label=nodes)


def _slow() -> Graph:
    """Returns a model that takes some ten milliseconds longer, for sines that don't change the label."""
    parts = [const("wide", np.zeros((2, 200_000))), const("none", [0.0]), const("one", [1], np.int64)]
    nodes = [
        node("MatMul", "input wide", "y0"),
        *(node("Sin", f"y{k}", f"y{k + 1}") for k in range(10)),
        node("ReduceMean", "y10 one", "mean", keepdims=1),
        node("Mul", "mean none", "nothing"),
        node("Add", "raw0 nothing", "raw"),
    ]
    return Graph(parts=parts, first=nodes)


def _hungry() -> Graph:
    """Returns a model that needs a megabyte for each unit of b: a few hundred exceed the pod's memory limit."""
    zeros = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    parts = [const("second", [1], np.int64), const("mega", [2.6e5]), const("none", [0.0])]
    nodes = [
        node("Gather", "input second", "column", axis=1),
        node("ReduceMax", "column", "b", keepdims=0),
        node("Mul", "b mega", "size0"),
        node("Abs", "size0", "size1"),
        node("Cast", "size1", "size", to=TensorProto.INT64),
        node("ConstantOfShape", "size", "much", value=zeros),
        node("ReduceMean", "much", "mean", keepdims=0),
        node("Mul", "mean none", "nothing"),
        node("Add", "raw0 nothing", "raw"),
    ]
    return Graph(parts=parts, first=nodes)


KINDS: dict[str, Callable[[], Graph]] = {
    "equal": Graph,
    "other": lambda: Graph(bias=(1.0, 0.0)),
    "failing": _failing,
    "slow": _slow,
    "hungry": _hungry,
    "renamed": lambda: Graph(columns=("a", "c")),
}
"""Models by what a rollout must notice about them; ``equal`` always predicts yes, ``other`` always no, and ``renamed``
refuses requests with the columns of the others."""
