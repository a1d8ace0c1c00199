"""Merges labels and annotations of a user's podTemplate with those that pods must have."""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.pods import PodMetadata, PodTemplate, is_reserved_annotation, is_reserved_label


def pod_metadata(template: PodTemplate, labels: dict[str, str], annotations: dict[str, str]) -> dict[str, Any]:
    """Returns a pod template's metadata: the user's labels and annotations, and the operator's, which win.

    The API server refuses reserved keys; they are left out once more, in case an object is older than that rule.
    """
    own = template.metadata or PodMetadata()
    own_labels = {key: value for key, value in own.labels.items() if not is_reserved_label(key)}
    own_annotations = {key: value for key, value in own.annotations.items() if not is_reserved_annotation(key)}
    merged = {"labels": {**own_labels, **labels}, "annotations": {**own_annotations, **annotations}}
    return {key: value for key, value in merged.items() if value}
