"""``python -m tests.supply.sbom`` writes a CycloneDX document for each image: what is in it, and nothing else.

The locked Python packages come with the digests of the files that may be installed. What the built image has beside
them, which are Debian's packages and those that Python itself brings, is asked of the image. Two runs write the same
bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.common.paths import REPO
from tests.common.say import CannotRun, exit_code, run, say
from tests.localcluster.images import dockerfiles, reference
from tests.supply.inside import Content, by_engine, content, of_this_machine
from tests.supply.tools import tool

Document = dict[str, Any]
FOLDER = REPO / "build" / "sbom"


def locked(image: str) -> Document:
    """Returns the document of an image's locked Python packages, as the tool writes it."""
    flags = ("--output-reproducible", "--of", "JSON", "--spec-version", "1.6")
    path = f"images/{image}/requirements.txt"
    text = run([tool("cyclonedx-py"), "requirements", *flags, str(REPO / path)])
    return json.loads(text)  # type: ignore[no-any-return]


def whole(image: str, document: Document, found: Content | None) -> Document:
    """Adds what the image has beside the locked packages. Without ``found`` the document says that it is incomplete.

    Raises CannotRun if the image lacks a locked package, or has another version of it.
    """
    components = list(document["components"])
    known = {(_normal(item["name"]), item["version"]) for item in components}
    if found is not None:
        installed = {(_normal(name), version) for name, version in found.python}
        if missing := known - installed:
            raise CannotRun(f"the image {image} is not what its requirements lock: it lacks {sorted(missing)}")
        components += _python(found, known)
        components += _debian(found)
    subject = {"type": "container", "bom-ref": f"image-{image}", "name": f"modelyard/{image}"}
    references = [item["bom-ref"] for item in components]
    return {
        **document,
        "metadata": {**document["metadata"], "component": subject},
        "components": components,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": sorted(references)},
            *({"ref": ref} for ref in sorted(references)),
        ],
        "compositions": [
            {"aggregate": "complete" if found else "incomplete", "assemblies": [subject["bom-ref"]]},
        ],
    }


def _python(found: Content, known: set[tuple[str, str]]) -> Iterator[Document]:
    for name, version in found.python:
        if (_normal(name), version) not in known:
            purl = f"pkg:pypi/{_normal(name)}@{version}"
            yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _debian(found: Content) -> Iterator[Document]:
    for name, version, architecture in found.debian:
        purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}&distro={found.distribution}"
        yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _normal(name: str) -> str:
    """Returns a Python package's name as packages are compared: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def validate(path: Path) -> None:
    """Raises CannotRun if a document breaks the schema of CycloneDX."""
    program = (
        "import sys; from cyclonedx.validation.json import JsonStrictValidator; "
        "from cyclonedx.schema import SchemaVersion; "
        "error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()); "
        "sys.exit(str(error) if error else 0)"
    )
    run([tool("python"), "-c", program, str(path)])


def write(image: str, found: Content | None, folder: Path) -> Path:
    """Writes an image's document, checked, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{image}.cdx.json"
    path.write_text(json.dumps(whole(image, locked(image), found), indent=1, sort_keys=True) + "\n")
    validate(path)
    return path


def _found(image: str, engine: str | None, name: str | None) -> Content | None:
    if name:
        return content(by_engine(engine or "docker", name))
    try:
        return content(of_this_machine(reference(image)))
    except CannotRun as error:
        say(f"{image}: its Debian packages are left out, since the image can't be asked: `make images` first ({error})")
        return None


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.supply.sbom", description=__doc__)
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE", help="of these only [all]")
    add("--folder", type=Path, default=FOLDER, help="where to [%(default)s]")
    add("--engine", choices=("docker", "podman"), help="whose the image of --reference is [docker]")
    add("--reference", help="the name of the built image, if it is not the one that `make images` builds")
    options = parser.parse_args()
    images = options.images or list(dockerfiles())
    if options.reference and len(images) != 1:
        parser.error("--reference is of one IMAGE: name it")
    for image in images:
        path = write(image, _found(image, options.engine, options.reference), options.folder)
        size = len(json.loads(path.read_text())["components"])
        print(f"{path}: {size} packages")


if __name__ == "__main__":
    sys.exit(exit_code(_main))
