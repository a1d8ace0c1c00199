"""Collects every message in the code with its reason. ``python -m tests.unit.docs.messages`` prints them as a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.documentation import ROOT
from tests.unit.docs.test_reasons import SOURCES, TAKES_REASON

TAKES_MESSAGE = set(TAKES_REASON) - {"read", "Run", "Doubt"}
"""Functions and classes that take a message right after the reason."""


@dataclass(frozen=True)
class Message:
    """A message as the code writes it: ``{...}`` stands for what is put in. ``field`` says that a field precedes it."""

    reason: str
    text: str
    source: str
    field: bool = False


def messages() -> Iterator[Message]:
    """Yields each message whose reason is written beside it, once for each text that a variable may hold."""
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        for scope in ast.walk(tree):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                texts = list(_assigned(scope))
                for call in ast.walk(scope):
                    if isinstance(call, ast.Call):
                        yield from _of_call(call, texts, f"{path.relative_to(ROOT)}:{call.lineno}")


def _assigned(scope: ast.AST) -> Iterator[tuple[str, int, ast.expr]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.lineno, node.value


def _of_call(call: ast.Call, texts: list[tuple[str, int, ast.expr]], source: str) -> Iterator[Message]:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    index = 0
    if function == "Doubt":
        given = {item.arg: item.value for item in call.keywords}
        if not {"reason", "message"} <= given.keys():
            return
        reason, message = given["reason"], given["message"]
    elif function in TAKES_MESSAGE and len(call.args) > (index := TAKES_REASON[function]) + 1:
        reason, message = call.args[index], call.args[index + 1]
    else:
        return
    if not isinstance(reason, ast.Constant) or not isinstance(reason.value, str):
        return
    if isinstance(message, ast.Name):
        # The nearest assignment above the call is the one that it uses.
        before = [(line, value) for name, line, value in texts if name == message.id and line <= call.lineno]
        if not before:
            return
        message = max(before, key=lambda item: item[0])[1]
    if text := _text(message):
        yield Message(reason.value, text, source, function == "UserError" and len(call.args) > index + 2)


def _text(node: ast.expr) -> str:
    """Returns the text of a string with ``{...}`` for each value, or "" if it has no words of its own."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        parts = [
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
            if isinstance(part, ast.Constant | ast.FormattedValue)
        ]
        return "".join(map(str, parts))
    return ""


if __name__ == "__main__":
    for item in sorted(messages(), key=lambda item: (item.reason, item.source)):
        print(f"{item.reason:24} {item.text}    [{item.source}]")
