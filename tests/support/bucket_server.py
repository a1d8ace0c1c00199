"""An object store that speaks S3's protocol and asks for keys: SeaweedFS, from its wheel.

pyarrow starts threads when it is imported, which a process that enters a cluster's network may not have before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.common.ports import free_port

READER, READER_SECRET = "AKIDREADER", "open-sesame-of-the-reader"
"""The key that may list and read the bucket ``lake``, and nothing else."""
_WRITER, _WRITER_SECRET = "AKIDWRITER", "open-sesame-of-the-writer"
LAKE, LOCKED = "lake", "locked"
STARTS = 90
"""Longest time in seconds until the server answers."""


class Buckets:
    """The buckets ``lake`` and ``locked``, and what is put there."""

    def __init__(self, address: str, port: int) -> None:
        import pyarrow.fs as pafs

        self.endpoint = f"http://{address}:{port}"
        self._fs = pafs.S3FileSystem(
            endpoint_override=f"{address}:{port}",
            scheme="http",
            region="us-east-1",
            access_key=_WRITER,
            secret_key=_WRITER_SECRET,
            allow_bucket_creation=True,
            allow_bucket_deletion=True,
        )

    @property
    def keys(self) -> dict[str, str]:
        """What a Secret holds that opens the lake."""
        return {"access_key_id": READER, "secret_access_key": READER_SECRET, "endpoint": self.endpoint}

    def put(self, path: str, data: str | bytes) -> None:
        with self._fs.open_output_stream(path) as stream:
            stream.write(data.encode() if isinstance(data, str) else data)

    def delete(self, path: str) -> None:
        self._fs.delete_file(path)

    def upload(self, path: str) -> Any:
        """Opens an upload in parts, which nobody sees before it is closed."""
        return self._fs.open_output_stream(path)

    def make(self) -> None:
        for bucket in (LAKE, LOCKED):
            self._fs.create_dir(bucket)


@contextmanager
def buckets(folder: Path, address: str) -> Iterator[Buckets]:
    """Runs the server on this address until the end of the block."""
    reads = {"accessKey": READER, "secretKey": READER_SECRET}
    writes = {"accessKey": _WRITER, "secretKey": _WRITER_SECRET}
    identities = [
        {"name": "reader", "credentials": [reads], "actions": [f"Read:{LAKE}", f"List:{LAKE}"]},
        {"name": "writer", "credentials": [writes], "actions": ["Admin"]},
    ]
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    program = Path(sys.executable).parent / "weed"
    arguments = [
        *(f"-logdir={folder}", "server", f"-dir={folder / 'data'}", f"-ip={address}", f"-ip.bind={address}"),
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *("-filer", "-s3", f"-s3.config={folder / 's3.json'}", "-master.volumeSizeLimitMB=64", "-volume.max=30"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),  # these have fixed ports
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen([str(program), *arguments], stdout=log, stderr=log, cwd=folder)
    try:
        server = Buckets(address, ports["s3"])
        _await(server, process, folder / "weed.log")
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _await(server: Buckets, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + STARTS
    while True:
        try:
            server.make()
            server.put(f"{LAKE}/ready", "yes")
            server.delete(f"{LAKE}/ready")
        except OSError as error:
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"SeaweedFS did not start; see {log}") from error
            time.sleep(0.2)
        else:
            return
