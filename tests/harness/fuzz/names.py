"""Strategies for the names that generated objects have and refer to: existing, missing and another kind's names."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from modelyard.workload.names import RUN_UID, label
from modelyard_api.kinds.registry import KINDS
from tests.harness.fuzz.schema import Path, Strategy
from tests.kinds import SAMPLES
from tests.kinds.datasetversion import DATA_URI, VERSION
from tests.kinds.modelversion import MODEL_URI
from tests.kinds.sample import HERE

LONGEST = "fz-" + "x" * 42
OWN = ("fz-one", "fz-two", "fz-three", LONGEST)
"""The names of generated objects."""
CHAMPION = "m-v3"
STANDING = ("table", VERSION, "m", CHAMPION, "taken", "lake")
"""The names of the objects that exist before a story (see ``standing``)."""
_MISSING = ("missing", "x" * 253, "a.b.c", "0")
_ANY = st.sampled_from((*OWN, *STANDING, *_MISSING))
_URIS = (
    *(DATA_URI, f"{DATA_URI}/", "mlflow-artifacts:/x", "mlflow-artifacts:/modelyard/../../etc", "mlflow-artifacts:///"),
    *(
        "mlflow-artifacts://[",
        "http://[::1",
        "s3://lake/x",
        "mlflow-artifacts:/" + "x/" * 500,
        "mlflow-artifacts:/%00/%2e%2e",
    ),
    *(
        "mlflow-artifacts:/é/名前",
        "mlflow-artifacts:/a\u00a0b",
        "file:///etc/passwd",
        "mlflow-artifacts:/modelyard/fuzz-bystander/models/m",
        MODEL_URI,
    ),
    *(f"{HERE}/{path}" for path in ("x/" * 300 + "x", "é/名前", "a\u00a0b", "../fuzz-bystander/m")),
)
_REFERRED = {
    **{kind: sample.referred for kind, sample in SAMPLES.items()},
    "ConfigMap": ("table", "table", "fz-one"),
    "PersistentVolumeClaim": ("lake",),
}
"""Kind -> names that references to it use; likely names are repeated."""
_REFERENCES = {
    tuple(reference.path.removeprefix(".spec.").split("."))[-2:]: names
    for kind in KINDS.values()
    for reference in kind.info.refers
    if reference.path.startswith(".spec.") and (names := _REFERRED.get(reference.kind))
} | {("configMap", "key"): ("table.csv", "table.csv", "table.parquet")}
_RESOURCES = st.sampled_from(
    ("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi", "pods", "", "a b", "x" * 300)
)
_LABELS = st.sampled_from(("kubernetes.io/arch", "a", "", "a b", "x" * 70, "é", "a/b/c"))
_POD_LABELS = st.one_of(
    _LABELS, st.sampled_from(("team", "modelyard.dev/dataset", "app.kubernetes.io/name", "job-name"))
)


def of(path: Path) -> Strategy | None:
    """Returns a strategy for what a field of a spec refers to, or None if the field is no reference."""
    if likely := _REFERENCES.get(path[-2:]):
        return st.one_of(st.sampled_from(likely), st.sampled_from(likely), _ANY)
    if path[-1:] == ("uri",):
        return st.sampled_from(_URIS)
    if path[-1:] == ("number",) or path[-2:] in (("modelRef", "version"), ("pin", "version")):
        return st.sampled_from((1, 2, 3, 3, 4, 5, 6, 1_000_000, 2**53 + 1, 2**63 - 1))
    if path[-1:] == ("{}",):
        keys = {
            **dict.fromkeys(("requests", "limits"), _RESOURCES),
            **dict.fromkeys(("nodeSelector", "matchLabels"), _LABELS),
            **dict.fromkeys(("labels", "annotations"), _POD_LABELS),
        }
        return keys.get(path[-2])
    return None


@st.composite
def metadata(draw: Any, kind: str, spec: Any) -> Any:
    """Draws a mostly fitting name, and sometimes labels, annotations and finalizers that any user may set."""
    names = SAMPLES[kind].names
    fitting = names(spec if isinstance(spec, dict) else {}) if names else (*OWN, *OWN, *OWN, "taken")
    name = draw(st.sampled_from(fitting))
    if draw(st.integers(0, 19)) == 0:
        name = draw(st.sampled_from(("", "Fz", "fz_one", "fz.one", "x" * 46, "x" * 254, "1-fz", "fz-", "é")))
    meta = {"name": name}
    if draw(st.integers(0, 5)) == 0:
        keys = st.sampled_from([RUN_UID, *(label(kind) for kind in KINDS)])
        meta["labels"] = draw(st.dictionaries(keys, st.sampled_from((*OWN, "table", "m", "")), min_size=1, max_size=2))
    if draw(st.integers(0, 11)) == 0:
        meta["annotations"] = {"modelyard.dev/applied": draw(st.text(max_size=8)), "modelyard.dev/task": "{"}
    if draw(st.integers(0, 11)) == 0:
        meta["finalizers"] = ["modelyard.dev/fuzz"]
    return meta
