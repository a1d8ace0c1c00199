"""Renders a Helm chart that lies in a Go module, and keeps the objects under a key of everything that decides them.

Rendering the chart, instead of keeping a copy of its objects, makes them fit the program, which comes from the same
version of the module: an upgrade changes one number.
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
    """If not empty, the chart has a template, values.tmpl.yaml, with these `${...}` instead of values.yaml."""
    crds: tuple[str, ...] = ()  # files or folders in the module

    def key(self) -> str:
        """Returns 16 hex digits of a hash of this and of Helm's version."""
        return hashlib.sha256(json.dumps([asdict(self), helm().key()], sort_keys=True).encode()).hexdigest()[:16]


def helm() -> binaries.Program:
    """Returns the program Helm."""
    return binaries.install("helm", ["helm.sh/helm/v4/cmd/helm@v4.3.1"], ["helm"])


def rendered(chart: Chart) -> Rendered:
    """Returns the chart's objects. Raises CannotRun if Helm fails."""
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
    """Returns the objects of ``chart.crds`` alone, without Helm."""
    return [crd for path in _crds(binaries.module(chart.module, chart.version), chart) for crd in read(path)]


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
    # Keep the settings of the user's own Helm out.
    own = {name: str(into / "helm") for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
    (into / "objects.yaml").write_text(run(argv, env={"HOME": str(into / "helm"), **own}))


def _crds(module: Path, chart: Chart) -> list[Path]:
    files: list[Path] = []
    for name in chart.crds:
        path = module / name
        files += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not files or not files[-1].exists():
            raise CannotRun(f"{chart.module}@{chart.version} has no {name}: its place has changed, correct it.")
    return files


def read(path: Path) -> list[Object]:
    """Returns the non-empty YAML documents of a file."""
    # Use the C loader: the Python loader takes 20 s for the gateway's two megabytes of CRDs.
    documents = yaml.load_all(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [document for document in documents if document]
