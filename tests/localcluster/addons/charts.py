"""Renders a Helm chart that lies in a Go module, once: the objects are kept under a key of all that decides them.

The chart and not a copy of its objects: they are then as the program of that version wants them, which comes from the
same module, and a newer version is a change of one number.
"""

import hashlib
import json
import shutil
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.localcluster import binaries
from tests.localcluster.paths import cache, locked
from tests.localcluster.say import CannotRun, run, say

from .parts import Rendered

Object = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """One release of one chart."""

    release: str
    namespace: str
    module: str
    version: str
    path: str  # in the module
    values: Mapping[str, Any]
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """Not empty: the chart's values.yaml is still a template, values.tmpl.yaml, with these `${...}` in it."""
    crds: tuple[str, ...] = ()  # files or folders in the module

    def key(self) -> str:
        """16 hex digits over this and Helm's version."""
        return hashlib.sha256(json.dumps([asdict(self), helm().key()], sort_keys=True).encode()).hexdigest()[:16]


def helm() -> binaries.Program:
    """Helm itself."""
    return binaries.install("helm", ["helm.sh/helm/v4/cmd/helm@v4.3.1"], ["helm"])


def rendered(chart: Chart) -> Rendered:
    """The chart's objects. Raises CannotRun when Helm has something against it."""
    target = cache() / "charts" / f"{chart.release}-{chart.key()}"
    with locked(f"chart-{chart.release}"):
        if not target.exists():
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            _render(chart, part)
            part.rename(target)
    return Rendered(read(target / "crds.yaml"), read(target / "objects.yaml"))


def crds(chart: Chart) -> list[Object]:
    """The objects under ``crds`` alone, which Helm has no part in."""
    return [one for path in _crds(binaries.module(chart.module, chart.version), chart) for one in read(path)]


def _render(chart: Chart, into: Path) -> None:
    program = binaries.build(helm()) / "helm"
    say(f"rendering the chart of {chart.release}")
    module = binaries.module(chart.module, chart.version)
    (into / "crds.yaml").write_text("\n---\n".join(path.read_text() for path in _crds(module, chart)))
    argv = [str(program), "template", chart.release, str(module / chart.path), "--namespace", chart.namespace]
    if chart.placeholders:
        template = string.Template((module / chart.path / "values.tmpl.yaml").read_text())
        (into / "defaults.yaml").write_text(template.substitute(chart.placeholders))
        argv += ["--values", str(into / "defaults.yaml")]
    (into / "values.yaml").write_text(json.dumps(chart.values))
    argv += ["--values", str(into / "values.yaml")]
    # Nothing of the user's own Helm has a say.
    own = {name: str(into / "helm") for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
    (into / "objects.yaml").write_text(run(argv, env={"HOME": str(into / "helm"), **own}))


def _crds(module: Path, chart: Chart) -> list[Path]:
    found: list[Path] = []
    for name in chart.crds:
        path = module / name
        found += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found or not found[-1].exists():
            raise CannotRun(f"{chart.module}@{chart.version} has no {name}: its place has changed, correct it.")
    return found


def read(path: Path) -> list[Object]:
    """The documents of a file."""
    # The C loader: the gateway's CRDs are two megabytes, 20 s for the other one.
    return [one for one in yaml.load_all(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if one]
