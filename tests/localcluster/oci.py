"""A folder in the OCI image layout with every image that the nodes get; its layers are uncompressed and shared."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from .paths import cache

_REF = "org.opencontainers.image.ref.name"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def folder() -> Path:
    """Returns the layout's folder."""
    return cache() / "oci"


def blob(digest: str) -> Path:
    """Returns the file of a blob."""
    return folder() / "blobs/sha256" / digest.removeprefix("sha256:")


def images() -> dict[str, str]:
    """Returns reference -> digest of the manifest, for all images in the layout."""
    index = folder() / "index.json"
    if not index.exists():
        return {}
    manifests = json.loads(index.read_text())["manifests"]
    return {entry["annotations"][_REF]: entry["digest"] for entry in manifests if _REF in entry.get("annotations", {})}


def put(data: bytes) -> dict[str, Any]:
    """Writes a blob unless it exists, and returns its digest and size as a descriptor has them."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    path = blob(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)
    return {"digest": digest, "size": len(data)}


def _entry(ref: str, digest: str) -> dict[str, Any]:
    # containerd reads its own annotation, all others read the first one.
    names = {_REF: ref, "io.containerd.image.name": ref}
    return {"mediaType": _MANIFEST, "digest": digest, "size": blob(digest).stat().st_size, "annotations": names}


def _write_index(entries: dict[str, str]) -> None:
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"schemaVersion": 2, "manifests": [_entry(ref, digest) for ref, digest in sorted(entries.items())]}
    part = folder() / "index.json.part"
    part.write_text(json.dumps(index))
    part.replace(folder() / "index.json")


def set_image(ref: str, digest: str) -> None:
    """Makes a reference name the image with that manifest."""
    if images().get(ref) != digest:
        _write_index({**images(), ref: digest})


def put_program(ref: str, program: Path, inside: str, arguments: tuple[str, ...] = (), user: str = "") -> None:
    """Makes an image of one static program, at the path `inside`. The same input gives the same digest.

    With a `user` the image also has a /tmp in which everybody may write.
    """
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar, open(program, "rb") as file:
        member = tarfile.TarInfo(inside.lstrip("/"))
        member.mode, member.size = 0o755, program.stat().st_size
        tar.addfile(member, file)
        if user:
            tmp = tarfile.TarInfo("tmp")
            tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(tmp)
    descriptor = {"mediaType": "application/vnd.oci.image.layer.v1.tar", **put(layer.getvalue())}
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": [inside, *arguments], "Env": ["PATH=/"], **({"User": user} if user else {})},
        "rootfs": {"type": "layers", "diff_ids": [descriptor["digest"]]},
    }
    about = {"mediaType": "application/vnd.oci.image.config.v1+json", **put(json.dumps(config).encode())}
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": about, "layers": [descriptor]}
    set_image(ref, put(json.dumps(manifest).encode())["digest"])


def _contents(digest: str) -> list[str]:
    """Returns the digests of the manifest itself, the config and the layers, in the order that an import needs."""
    manifest = json.loads(blob(digest).read_text())
    return [digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]


def prune() -> None:
    """Removes the blobs that no named image uses any more."""
    _write_index(images())  # this drops the entries of unnamed images, which buildah keeps
    used = {part.removeprefix("sha256:") for digest in images().values() for part in _contents(digest)}
    for path in (folder() / "blobs/sha256").iterdir():
        if path.name not in used:
            path.unlink()


def write_archive(out: IO[bytes], refs: Iterable[str], present: set[str]) -> int:
    """Writes an archive of the images to `out`, without the layers in `present`; returns the size of its blobs in
    bytes."""
    known = images()
    chosen = {ref: known[ref] for ref in refs}
    index = {"schemaVersion": 2, "manifests": [_entry(ref, digest) for ref, digest in chosen.items()]}
    total, done = 0, set(present)
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:

        def add(name: str, data: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

        add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add("index.json", json.dumps(index).encode())
        for digest in chosen.values():
            manifest, config, *layers = _contents(digest)
            done -= {manifest, config}  # always include these: they are small, and the importer reads them
            for part in (manifest, config, *layers):
                if part not in done:
                    done.add(part)
                    tar.add(blob(part), arcname=f"blobs/sha256/{part.removeprefix('sha256:')}", recursive=False)
                    total += blob(part).stat().st_size
    return total
