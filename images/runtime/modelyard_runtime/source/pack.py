"""Packs a bundle as an OCI image that can be mounted as a volume: the same files become the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard_api.fields.artifact import canonical, sha256

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_USER = 65532
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LEVEL = 4
"""Level of gzip: of 255 MB of libraries, 6 saves an eighth in three times the time of 1."""


@dataclass(frozen=True, slots=True)
class Layer:
    file: Path
    size: int
    digest: str
    diff_id: str
    """The digest of what the layer holds uncompressed."""

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": _LAYER_TYPE, "digest": self.digest, "size": self.size}


def layer(parts: Iterable[tuple[str, Path]], to: Path) -> Layer:
    """Packs each folder or file under its name, sorted, with fixed owners, modes and times."""
    inner, outer = hashlib.sha256(), hashlib.sha256()
    with to.open("wb") as raw:
        compressed = gzip.GzipFile("", "wb", _LEVEL, _Hashing(raw, outer), mtime=0)
        with (
            compressed,
            tarfile.open(fileobj=_Hashing(compressed, inner), mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, path in sorted(parts):
                for item in [path, *(sorted(path.rglob("*")) if path.is_dir() else ())]:
                    _add(tar, f"{name}/{item.relative_to(path)}" if item != path else name, item)
    return Layer(to, to.stat().st_size, f"sha256:{outer.hexdigest()}", f"sha256:{inner.hexdigest()}")


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    info = tarfile.TarInfo(name)
    info.uid = info.gid = _USER
    if path.is_symlink():
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        tar.addfile(info)
    elif path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    elif path.is_file():
        info.size, info.mode = path.stat().st_size, 0o755 if os.access(path, os.X_OK) else 0o644
        with path.open("rb") as file:
            tar.addfile(info, file)


class _Hashing:
    """A file for writing that hashes what passes."""

    def __init__(self, file: Any, total: Any) -> None:
        self._file, self._total = file, total

    def write(self, data: bytes) -> int:
        self._total.update(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()


def image(layers: list[Layer], labels: dict[str, str]) -> tuple[bytes, bytes, str]:
    """Returns config, manifest and the manifest's digest. A node takes images with the same config for the same one,
    and mounts only those whose config names the layers."""
    config = canonical(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [item.diff_id for item in layers]},
        }
    )
    manifest = canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": _CONFIG_TYPE, "digest": sha256(config), "size": len(config)},
            "layers": [item.descriptor for item in layers],
            "annotations": {"org.opencontainers.image.revision": labels["dev.modelyard.commit"]},
        }
    )
    return config, manifest, sha256(manifest)


def marker(commit: str, key: str) -> bytes:
    """Returns ``bundle.json``, by which whoever mounts a bundle knows that it isn't empty."""
    document = {"commit": commit, "key": key, "python": ".".join(platform.python_version_tuple()[:2])}
    return io.BytesIO(json.dumps(document, sort_keys=True).encode() + b"\n").getvalue()
