"""Writes ``fields/parameters.py`` from scikit-learn's own constraints: ``python -m tests.support.parameters``.

The operator refuses a bad search space before a pod starts, and has no scikit-learn to ask.
"""

from __future__ import annotations

import importlib
import textwrap
from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval, Options, StrOptions

from modelyard_api.fields.algorithms import PATHS
from tests.common.paths import REPO

FILE = REPO / "crds" / "modelyard_api" / "fields" / "parameters.py"
NOT_SEARCHED = {"n_jobs", "verbose", "random_state", "warm_start", "categorical_features"}
"""Parameters that say how, not what, is computed; or that name columns."""
WIDTH = 120
_WORDS = {"boolean": "bool", "array-like": "list"}
_HEAD = '''"""What scikit-learn allows for the parameters of each algorithm, by ``python -m tests.support.parameters``.

Alternatives are divided by ``|``: ``int`` and ``float`` with an interval, ``bool``, ``list`` of numbers, a text in
quotes, or ``None`` where it is the default: a null can't be written into a spec that kubectl is to apply again.
"""

from __future__ import annotations

PARAMETERS: dict[str, dict[str, str]] = {
'''


def table() -> dict[str, dict[str, str]]:
    """Returns what is allowed for every parameter that can be searched, by algorithm."""
    allowed: dict[str, dict[str, str]] = {}
    for algorithm, path in PATHS.items():
        module, _, name = path.rpartition(".")
        cls = getattr(importlib.import_module(module), name)
        of_algorithm = {
            parameter: " | ".join(words)
            for parameter, default in sorted(cls().get_params(deep=False).items())
            if parameter not in NOT_SEARCHED
            and set(words := _alternatives(cls._parameter_constraints[parameter], default is None)) - {"None", "list"}
        }
        allowed[algorithm] = of_algorithm
    return allowed


def _alternatives(constraints: list[Any], none: bool) -> list[str]:
    words: list[str] = []
    for item in constraints:
        if isinstance(item, Interval):
            low = "-inf" if item.left is None else f"{item.left:g}"
            high = "inf" if item.right is None else f"{item.right:g}"
            opens = "[" if item.closed in ("left", "both") else "("
            closes = "]" if item.closed in ("right", "both") else ")"
            words.append(f"{'int' if item.type is Integral else 'float'} {opens}{low}, {high}{closes}")
        elif isinstance(item, StrOptions):
            words += [repr(text) for text in sorted(item.options - item.deprecated)]
        elif isinstance(item, Options):
            words += [f"{'int' if item.type is Integral else 'float'} [{n:g}, {n:g}]" for n in sorted(item.options)]
        elif item is None and none:
            words.append("None")
        elif isinstance(item, str) and item in _WORDS:
            words.append(_WORDS[item])
    return words


def text() -> str:
    """Returns the whole file."""
    lines = []
    for algorithm, parameters in table().items():
        lines.append(f'    "{algorithm}": {{')
        lines += [line for name, allowed in parameters.items() for line in _entry(name, allowed)]
        lines.append("    },")
    return _HEAD + "\n".join(lines) + "\n}\n"


def _entry(name: str, allowed: str) -> list[str]:
    line = f'        "{name}": "{allowed}",'
    if len(line) <= WIDTH:
        return [line]
    parts = textwrap.wrap(allowed, WIDTH - 16, drop_whitespace=False)
    return [f'        "{name}": (', *(f'            "{part}"' for part in parts), "        ),"]


if __name__ == "__main__":
    FILE.write_text(text())
