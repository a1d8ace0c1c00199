"""Copies an image from buildah's storage into the layout, and writes only the layers that the layout lacks.

`buildah push` reads and hashes every layer each time: 20 s for an image of 700 MB in which one file changed.
The storage keeps, for each layer, its files and a recipe (tar-split) that reproduces the exact bytes of the layer.
"""

import base64
import gzip
import hashlib
import json
import shutil
from pathlib import Path
from typing import IO

from . import oci


def take(storage: Path, image: str, ref: str) -> bool:
    """Puts the image with that id into the layout as `ref`. Returns False if the storage has an unexpected layout."""
    try:
        folder = storage / "overlay-images" / image
        manifest = (folder / "manifest").read_bytes()
        parts = json.loads(manifest)
        config = (folder / ("=" + base64.b64encode(parts["config"]["digest"].encode()).decode())).read_bytes()
        known = {layer.get("diff-digest"): layer["id"] for layer in json.loads(_layers(storage).read_text())}
        for layer in parts["layers"]:
            if layer["mediaType"] != "application/vnd.oci.image.layer.v1.tar":
                return False
            if not oci.blob(layer["digest"]).exists():
                _take_layer(storage, known[layer["digest"]], layer["digest"])
    except (OSError, KeyError, ValueError):
        return False
    oci.put(config)
    oci.set_image(ref, oci.put(manifest)["digest"])
    return True


def _layers(storage: Path) -> Path:
    return storage / "overlay-layers/layers.json"


def _take_layer(storage: Path, layer: str, digest: str) -> None:
    """Writes the blob of a layer. Raises ValueError if the bytes don't have the expected digest."""
    target = oci.blob(digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    recipe = storage / "overlay-layers" / f"{layer}.tar-split.gz"
    with gzip.open(recipe, "rt") as lines, open(part, "wb") as out:
        for line in lines:
            _write_entry(json.loads(line), storage / "overlay" / layer / "diff", out)
    with open(part, "rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if f"sha256:{actual}" != digest:
        part.unlink()
        raise ValueError(f"layer {layer} gave {actual}, not {digest}")
    part.replace(target)


def _write_entry(entry: dict[str, object], files: Path, out: IO[bytes]) -> None:
    """Writes one step of the recipe: literal bytes (headers and padding), or the content of a file."""
    if entry["type"] == 2:
        out.write(base64.b64decode(str(entry["payload"])))
    elif entry.get("size"):
        raw = entry.get("name_raw")  # set if the name is not UTF-8
        name = base64.b64decode(str(raw)) if raw else str(entry["name"]).encode()
        with open(bytes(files) + b"/" + name, "rb") as file:
            shutil.copyfileobj(file, out, 1 << 20)
