"""Generates ``crds/*.yaml``: ``python -m modelyard_api.generate.crd``; ``--check`` only says if they are current."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from modelyard_api import GROUP, VERSION
from modelyard_api.fields.base import Kind
from modelyard_api.generate.files import HEADER, difference, run
from modelyard_api.generate.schema import Schema, structural
from modelyard_api.kinds.registry import KINDS

FOLDER = Path(__file__).resolve().parents[2]

_API_VERSION = "The version of the schema of this object, for example modelyard.dev/v1alpha1."
_KIND = "The kind of this object, for example {kind}."


def definition(name: str, kind: type[Kind]) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    info = kind.info
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in info.columns],
        "schema": {"openAPIV3Schema": _root(name, kind)},
        "subresources": {"status": {}} | ({"scale": dict(info.scale)} if info.scale else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{info.plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "modelyard-crds", "app.kubernetes.io/part-of": "modelyard"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": name,
                "listKind": f"{name}List",
                "plural": info.plural,
                "singular": name.lower(),
                "shortNames": [info.short],
                "categories": ["modelyard"],
            },
            "versions": [version],
        },
    }


def _root(name: str, kind: type[Kind]) -> Schema:
    spec, status = kind.model_fields["spec"], kind.model_fields["status"]
    assert isinstance(spec.annotation, type)
    assert isinstance(status.annotation, type)
    root: Schema = {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": _API_VERSION, "type": "string"},
            "kind": {"description": _KIND.format(kind=name), "type": "string"},
            "metadata": {"type": "object"},  # the API server has its own schema and description
            "spec": {"description": spec.description} | _bare(structural(spec.annotation)),
            "status": {"description": status.description} | _status(status.annotation),
        },
    }
    if kind.info.rules:
        root["x-kubernetes-validations"] = [dict(rule) for rule in kind.info.rules]
    return root


def _status(model: type[BaseModel]) -> Schema:
    """The API server fills in one field: that no generation was observed. Without it tools that go by kstatus, as Flux
    does, take an object for done as long as it has no status, which is until a controller has looked at it.
    """
    schema = _bare(structural(model, defaults=False))
    observed = schema["properties"]["observedGeneration"]
    observed["default"] = model.model_fields["observed_generation"].default
    return {"type": schema["type"], "default": {}} | schema


def _bare(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "description"}


def _column(column: Any) -> dict[str, Any]:
    made = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return made | ({"priority": column.priority} if column.priority else {})


def files() -> dict[str, str]:
    """File name in ``crds/`` -> its text, as it should be; a kustomization that names them all is one of them."""
    made = {f"{kind.info.plural}.yaml": _text(definition(name, kind)) for name, kind in KINDS.items()}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(made),
    }
    return made | {"kustomization.yaml": _text(kustomization)}


class _Dumper(yaml.SafeDumper):
    """Repeats what occurs twice, instead of YAML's anchors: people read it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(document: dict[str, Any]) -> str:
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def differences(folder: Path = FOLDER) -> str:
    """What ``crds/*.yaml`` on disk differs in, as a unified diff; empty when all is current."""
    return difference(folder, {**{path.name: "" for path in folder.glob("*.yaml")}, **files()})


def write(folder: Path = FOLDER) -> None:
    """Write all files and remove those of kinds that are no more."""
    wanted = files()
    for path in folder.glob("*.yaml"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    sys.exit(run("modelyard_api.generate.crd", __doc__, write, differences))
