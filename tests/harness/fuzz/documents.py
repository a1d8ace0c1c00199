"""Strategies for what pods leave behind: result documents and termination messages, from good ones to any bytes.

``BASE`` in a document stands for the task's folder in the artifact store, which is known only once the Job exists.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from modelyard_api.generate.schema import structural
from modelyard_api.wire.result import Failed
from tests.harness.fuzz.schema import Path, Strategy, Values, anything, nested, text
from tests.kinds.sample import Pod

Object = dict[str, Any]

_FAILED = {"kind": "Failed", "error": {"reason": "BadData", "message": "column y is empty; fill it", "field": "spec"}}


def _names(path: Path) -> Strategy | None:
    """Returns narrower or more hostile values for fields whose schema is too general to draw useful values from."""
    if path[-1:] in (("metrics",), ("parameters",)):
        many = st.integers(0, 40).map(lambda count: {f"m{i}": 0.5 for i in range(count)})
        odd = st.sampled_from(("nan", "inf", "-inf", "1e400", "9" * 30, None, True))
        return st.one_of(
            many, st.dictionaries(text, odd, max_size=2), st.integers(250, 1100).map(lambda n: {"a": nested(n)})
        )
    if path[-1:] in (("rows",), ("artifactBytes",), ("bytes",)):
        return st.sampled_from((-1, 0, 2**63, 10**30, "9" * 30, 1e300, 1.0, "12"))
    return None


_values = Values(_names)
_HOSTILE = st.one_of(
    st.sampled_from(
        (
            "",
            "null",
            "[]",
            "{}",
            "\ufeff{}",
            "{",
            "NaN",
            '{"kind":"Failed"}',
            '{"kind":"Failed","error":{"reason":"","message":""}}',
        )
    ),
    st.sampled_from(
        ('"\\ud800"', "[" * 5000, '{"kind":"Failed","error":{"reason":"a b","message":"\\ud800"}}', "x" * 5000)
    ),
    st.sampled_from(('{"kind":"Failed","error":{"reason":"' + "R" * 2000 + '","message":"' + "m" * 4000 + '"}}',)),
    text,
    anything.map(json.dumps),
)


@st.composite
def results(draw: Any, pod: Pod) -> str | bytes | None:
    """Draws a result document; None means that the pod left none."""
    match draw(st.integers(0, 9)):
        case 0:
            return None
        case 1:
            return draw(st.one_of(_HOSTILE, st.binary(max_size=20)))
        case 2:
            return json.dumps(draw(_values.near(structural(Failed, defaults=False), _FAILED)))
        case 3 | 4 | 5:
            return json.dumps(pod.document)
    document = pod.document
    for _ in range(draw(st.integers(1, 2))):
        document = draw(_values.near(structural(pod.result, defaults=False), document))
    return json.dumps(document)


@st.composite
def outcomes(draw: Any, pod: Pod) -> Object:
    """Draws how the pods of an object's Job end."""
    phase = draw(st.sampled_from(("Succeeded", "Succeeded", "Succeeded", "Failed")))
    outcome: Object = {"phase": phase, "document": draw(results(pod))}
    if phase == "Failed":
        outcome["exitCode"] = draw(st.sampled_from((2, 2, 2, 1, 137, 255)))
        outcome["reason"] = draw(st.sampled_from(("Error", "OOMKilled", "", "Evicted")))
        outcome["message"] = draw(st.one_of(_HOSTILE, st.just(json.dumps(_FAILED))))
    return outcome
