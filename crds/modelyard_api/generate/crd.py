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
    """Returns the CustomResourceDefinition of one kind."""
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
    """Returns the schema of a status, whose only default is ``observedGeneration``: none was observed.

    Without that default, tools that use kstatus, such as Flux, consider a new object done until a controller has
    written its status.
    """
    schema = _bare(structural(model, defaults=False))
    observed = schema["properties"]["observedGeneration"]
    observed["default"] = model.model_fields["observed_generation"].default
    return {"type": schema["type"], "default": {}} | schema


def _bare(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "description"}


def _column(column: Any) -> dict[str, Any]:
    printed = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return printed | ({"priority": column.priority} if column.priority else {})


def files() -> dict[str, str]:
    """Returns file name in ``crds/`` -> its generated text, with a kustomization that lists the other files."""
    crds = {f"{kind.info.plural}.yaml": _text(definition(name, kind)) for name, kind in KINDS.items()}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(crds),
    }
    return crds | {"kustomization.yaml": _text(kustomization)}


class _Dumper(yaml.SafeDumper):
    """Writes repeated values in full instead of as YAML anchors, because people read the files."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(document: dict[str, Any]) -> str:
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def differences(folder: Path = FOLDER) -> str:
    """Returns how ``crds/*.yaml`` on disk differ from the generated files, as a unified diff; empty if current."""
    return difference(folder, {**{path.name: "" for path in folder.glob("*.yaml")}, **files()})


def write(folder: Path = FOLDER) -> None:
    """Writes all files and removes those of kinds that no longer exist."""
    current = files()
    for path in folder.glob("*.yaml"):
        if path.name not in current:
            path.unlink()
    for name, text in current.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    sys.exit(run("modelyard_api.generate.crd", __doc__, write, differences))
