"""Renames a graph's inputs and outputs: ONNX allows any text as a name, but converters keep only identifiers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import onnx


def rename_ends(model: onnx.ModelProto, inputs: list[str], outputs: list[str]) -> None:
    """Gives the graph's inputs and first outputs these names, and drops the other outputs.

    An inner tensor that has one of the names by chance is renamed. ``inputs`` and ``outputs`` must differ, because
    ONNX has one name space for both.
    """
    graph = model.graph
    del graph.output[len(outputs) :]
    ends = [item.name for item in (*graph.input, *graph.output)]
    new_names = [*inputs, *outputs]
    renamed = dict(zip(ends, new_names, strict=True))
    taken = set(_names(graph)) | set(new_names)
    for name in new_names:
        if name not in renamed and name in taken:
            inner = name
            while inner in taken:
                inner += "_inner"
            renamed[name] = inner
            taken.add(inner)
    _rename(graph, lambda name: renamed.get(name, name))


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from node.input
        yield from node.output
        for inner in _subgraphs(node):
            yield from _names(inner)
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        yield item.name


def _rename(graph: onnx.GraphProto, new: Callable[[str], str]) -> None:
    for node in graph.node:
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        for inner in _subgraphs(node):
            _rename(inner, new)
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        item.name = new(item.name)


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs
