"""Names a version by its content and by what was declared of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from modelyard_api.fields.artifact import canonical
from modelyard_api.kinds.dataset import DatasetSpec


def version_id(digest: str, types: Mapping[str, str], spec: DatasetSpec, broken: Sequence[str]) -> str:
    """Returns the id, 64 hex digits: the same rows under the same declaration are the same version, whatever the order
    of their columns.

    ``broken`` are the broken rules that neither rows nor declaration decide on: they look at the version before, or at
    rows that were dropped. So rows that are accepted once are another version than the same rows rejected.
    """
    declared = {
        "digest": digest,
        "target": spec.target,
        "types": dict(types),
        "columns": [rule.wire() for rule in spec.columns],
        "split": spec.split.wire(),
        "validation": spec.validation.wire(),
        "key": sorted(spec.key),
        "timestamp": spec.timestamp,
        "broken": sorted(broken),
    }
    return hashlib.sha256(canonical(declared)).hexdigest()
