"""Files in an object store: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.locate import is_hidden
from modelyard_runtime.tables.sources import guard, relay, trouble
from modelyard_runtime.tables.sources.keys import FIELD, Keys
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import PIECE, Changed, Wanted

CONNECT_SECONDS, ANSWER_SECONDS, TRIES = 10, 30, 3
MAGIC = "*?["
S3_KEYS = ("access_key_id", "secret_access_key", "session_token", "endpoint", "region", "ca.crt")
GS_KEYS = ("service_account.json", "endpoint")
AZURE_KEYS = ("account_name", "account_key", "sas_token", "tenant_id", "client_id", "client_secret", "endpoint")


class Bucket:
    """The files at a path of a bucket: one file, those of a folder, or those that a glob matches."""

    def __init__(self, address: str, path: str, fs: pafs.FileSystem, keys: Keys, wanted: Wanted, needs: str) -> None:
        self._address, self._path, self._fs, self._keys, self._wanted = address, path.strip("/"), fs, keys, wanted
        self._needs = needs
        self._is_glob = any(char in path for char in MAGIC)
        self._base = self._path
        if self._is_glob:
            before = self._path[: min(self._path.find(char) for char in MAGIC if char in self._path)]
            self._base = before.rpartition("/")[0]
        self.is_folder = True
        self.left_out: list[str] = []

    def files(self) -> list[File]:
        from fsspec.implementations.arrow import ArrowFSWrapper

        wrapped = ArrowFSWrapper(self._fs)
        with self._told():
            if self._is_glob:
                found = list(wrapped.glob(self._path, detail=True).values())
                found = [item for item in found if not _is_hidden(item["name"])]
            else:
                info = self._info(self._path) if "/" in self._path else None
                if info is not None:
                    self.is_folder = False
                    self._base = self._path.rpartition("/")[0]
                    found = [info]
                else:
                    there = wrapped.ls(self._path, detail=True)
                    found = [item for item in there if item["type"] == "file" and self._wanted(item["name"])]
                    others = {item["name"] for item in there} - {item["name"] for item in found}
                    self.left_out = sorted(
                        name.removeprefix(f"{self._base}/") for name in others if not is_hidden(name)
                    )
        files = [self._file(item) for item in found if item["type"] == "file"]
        if not files:
            raise trouble.not_there(self._address, " that is a table")
        return sorted(files, key=lambda file: file.name)

    def version(self, file: File) -> str:
        path = f"{self._base}/{file.name}"
        with self._told():
            info = self._info(path)
            if info is None or self._file(info)[1:3] != file[1:3]:
                raise Changed(file.name)
            with self._fs.open_input_stream(path, compression=None) as stream:
                metadata = stream.metadata() or {}
        etag = next((value for key, value in metadata.items() if str(key).lower() == "etag"), b"")
        return f"{file.size} {file.state} {etag!r}"

    def read(self, file: File) -> Iterator[bytes]:
        with self._told(), self._fs.open_input_stream(f"{self._base}/{file.name}", compression=None) as stream:
            while piece := stream.read(PIECE):
                yield piece

    def _info(self, path: str) -> dict[str, Any] | None:
        info = self._fs.get_file_info(path)
        if info.type != pafs.FileType.File:
            return None
        return {"name": path, "size": info.size, "type": "file", "mtime": info.mtime}

    def _file(self, item: dict[str, Any]) -> File:
        changed: datetime | None = item.get("mtime")
        changed = changed.replace(tzinfo=UTC) if changed is not None and changed.tzinfo is None else changed
        name = item["name"].removeprefix(f"{self._base}/")
        return File(
            name, item["size"], changed.isoformat() if changed else "", changed.timestamp() if changed else None
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        relay.refused.clear()
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            if relay.refused:
                raise relay.refused[0] from error
            raise trouble.of_store(error, self._address, self._keys, self._needs) from error


def s3(address: str, keys: Keys, wanted: Wanted) -> Bucket:
    """Raises UserError for an incomplete Secret, or an endpoint where nothing is read."""
    keys.check(S3_KEYS, "s3")
    key, secret = keys.together("access_key_id", "secret_access_key")
    endpoint = _endpoint(keys)
    more: dict[str, Any] = {"tls_ca_file_path": str(keys.path("ca.crt"))} if keys.get("ca.crt") else {}
    if endpoint:
        more |= {"endpoint_override": endpoint[1], "scheme": endpoint[0]}
    if key:
        more |= {"access_key": key, "secret_key": secret, "session_token": keys.get("session_token")}
    fs = pafs.S3FileSystem(
        # Without keys the client would ask the machine's metadata address for those of the node.
        anonymous=key is None,
        region=keys.get("region") or "us-east-1",
        connect_timeout=CONNECT_SECONDS,
        request_timeout=ANSWER_SECONDS,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        proxy_options={"scheme": "http", "host": "127.0.0.1", "port": relay.port()},
        **more,
    )
    return Bucket(address, _path(address), fs, keys, wanted, "access_key_id and secret_access_key")


def gs(address: str, keys: Keys, wanted: Wanted) -> Bucket:
    """Raises UserError as ``s3`` does."""
    keys.check(GS_KEYS, "gs")
    account, endpoint = keys.path("service_account.json"), _endpoint(keys)
    if account is not None:
        # The client takes the path of a key file from the environment alone.
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(account)
    more = {"endpoint_override": endpoint[1], "scheme": endpoint[0]} if endpoint else {}
    fs = pafs.GcsFileSystem(anonymous=account is None, retry_time_limit=timedelta(seconds=ANSWER_SECONDS), **more)
    return Bucket(address, _path(address), fs, keys, wanted, "service_account.json")


def abfs(address: str, keys: Keys, wanted: Wanted) -> Bucket:
    """Raises UserError as ``s3`` does, and where the account is not named."""
    keys.check(AZURE_KEYS, "abfs")
    url = urlsplit(address)
    container, _, host = url.netloc.rpartition("@")
    account = host.partition(".")[0] if container else keys.get("account_name")
    if not account:
        message = "the storage account isn't named; write abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"
        raise UserError("KeyMissing", message, trouble.URI)
    more: dict[str, Any] = {"account_key": keys.get("account_key"), "sas_token": keys.get("sas_token")}
    if not any(more.values()):
        tenant, client, secret = keys.together("tenant_id", "client_id", "client_secret")
        if not tenant:
            # Without keys the client would ask the machine's metadata address for those of the node.
            message = "Azure wants credentials; name a Secret with account_key, sas_token, or tenant_id, client_id and "
            raise UserError("SourceDenied", f"{message}client_secret", FIELD)
        more = {"tenant_id": tenant, "client_id": client, "client_secret": secret}
    if endpoint := _endpoint(keys):
        for service in ("blob", "dfs"):
            more |= {f"{service}_storage_authority": endpoint[1], f"{service}_storage_scheme": endpoint[0]}
    fs = pafs.AzureFileSystem(account, **{key: value for key, value in more.items() if value})
    return Bucket(address, f"{container or host}{url.path}", fs, keys, wanted, "account_key or sas_token")


def _path(address: str) -> str:
    return address.split("://", 1)[1]


def _endpoint(keys: Keys) -> tuple[str, str] | None:
    """Returns scheme and host of the key ``endpoint``, None without one. Raises UserError."""
    text = keys.get("endpoint")
    if text is None:
        return None
    url = urlsplit(text if "://" in text else f"https://{text}")
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or "@" in url.netloc:
        message = "the Secret's key endpoint is not such as https://minio.example.com:9000; correct it"
        raise UserError("KeyInvalid", message, FIELD)
    try:
        guard.addresses(url.hostname, url.port or (443 if url.scheme == "https" else 80))
    except OSError as error:
        raise trouble.unreachable(url.netloc, f"its name leads nowhere ({error.strerror})") from error
    return url.scheme, url.netloc


def _is_hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".")


OPENERS: dict[str, Callable[[str, Keys, Wanted], Bucket]] = {"s3": s3, "gs": gs, "abfs": abfs, "abfss": abfs}
