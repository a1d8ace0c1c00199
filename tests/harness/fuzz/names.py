"""Names that generated objects have and refer to: some exist, some don't, some are another kind's."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.harness.bench.controllers.objects import DATA_URI, VERSION
from tests.harness.fuzz.schema import Path, Strategy

LONGEST = "fz-" + "x" * 42
OWN = ("fz-one", "fz-two", "fz-three", LONGEST)
"""The names of generated objects."""
CHAMPION = "m-v3"
STANDING = ("table", VERSION, "m", CHAMPION, "taken", "lake")
"""The names of what is there before (see ``standing``)."""
_NOBODY = ("missing", "x" * 253, "a.b.c", "0")
_ANY = st.sampled_from((*OWN, *STANDING, *_NOBODY))
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
        "mlflow-artifacts:/modelyard/fuzz/models/m",
    ),
)
_REFERENCES = {
    ("datasetRef", "name"): ("table", "table", "fz-one", "fz-two"),
    ("datasetRef", "version"): (VERSION, VERSION, "fz-one"),
    ("modelRef", "name"): ("m", "m", "fz-one", "fz-two", LONGEST),
    ("configMap", "name"): ("table", "table", "fz-one"),
    ("configMap", "key"): ("table.csv", "table.csv", "table.parquet"),
    ("volume", "claimName"): ("lake",),
    ("lineage", "trainingRun"): ("fz-one", "fz-two"),
    ("lineage", "datasetVersion"): (VERSION, VERSION, "fz-one"),
}
_RESOURCES = st.sampled_from(
    ("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi", "pods", "", "a b", "x" * 300)
)
_LABELS = st.sampled_from(("kubernetes.io/arch", "a", "", "a b", "x" * 70, "é", "a/b/c"))


def of(path: Path) -> Strategy | None:
    """What a field of a spec refers to; None where it is no reference."""
    if likely := _REFERENCES.get(path[-2:]):
        return st.one_of(st.sampled_from(likely), st.sampled_from(likely), _ANY)
    if path[-1:] == ("parent",):
        return _ANY
    if path[-1:] == ("uri",):
        return st.sampled_from(_URIS)
    if path[-1:] == ("number",) or path[-2:] in (("modelRef", "version"), ("pin", "version")):
        return st.sampled_from((1, 2, 3, 3, 4, 5, 6, 1_000_000, 2**53 + 1, 2**63 - 1))
    if path[-1:] == ("{}",):
        return {"requests": _RESOURCES, "limits": _RESOURCES, "nodeSelector": _LABELS}.get(path[-2])
    return None


@st.composite
def metadata(draw: Any, kind: str, spec: Any) -> Any:
    """A name that fits mostly, and labels and owners that anybody may set."""
    name = draw(st.sampled_from((*OWN, *OWN, *OWN, "taken")))
    if kind == "ModelVersion" and isinstance(spec, dict):
        model = spec.get("modelRef") if isinstance(spec.get("modelRef"), dict) else {}
        name = f"{model.get('name')}-v{spec.get('number')}"
    elif kind == "DatasetVersion":
        name = draw(st.sampled_from((f"fz-one-{VERSION[-10:]}", f"fz-two-{VERSION[-10:]}", *OWN, "fz.one")))
    if draw(st.integers(0, 19)) == 0:
        name = draw(st.sampled_from(("", "Fz", "fz_one", "fz.one", "x" * 46, "x" * 254, "1-fz", "fz-", "é")))
    made = {"name": name}
    if draw(st.integers(0, 5)) == 0:
        keys = st.sampled_from(
            [f"modelyard.dev/{one}" for one in ("run-uid", "trainingrun", "dataset", "model", "modelversion")]
        )
        made["labels"] = draw(st.dictionaries(keys, st.sampled_from((*OWN, "table", "m", "")), min_size=1, max_size=2))
    if draw(st.integers(0, 11)) == 0:
        made["annotations"] = {"modelyard.dev/applied": draw(st.text(max_size=8)), "modelyard.dev/task": "{"}
    if draw(st.integers(0, 11)) == 0:
        made["finalizers"] = ["modelyard.dev/fuzz"]
    return made
