"""Checks tables in Google Cloud Storage and Azure Blob Storage, by servers that speak their protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from modelyard_api.wire.result import LookResult
from modelyard_runtime.pod.errors import UserError
from tests.support.clouds.azurite import KEY, azurite
from tests.support.clouds.gcs import gcs
from tests.unit.runtime.sources.looks import CSV, Looks


def fails(folder: Path, keys: dict[str, str], uri: str) -> UserError:
    with pytest.raises(UserError) as caught:
        Looks(folder, keys, uri=uri).look()
    return caught.value


class Server(Protocol):
    keys: dict[str, str]

    def put(self, name: str, text: str) -> None: ...


def reads(folder: Path, server: Server, base: str, listed: str) -> None:
    """Checks that a folder and a glob are read, a known list is not read again, and a missing file is told."""
    server.put("in/a.csv", CSV)
    server.put("in/b.csv", CSV)
    assert Looks(folder, server.keys, uri=listed).read().rows == 60
    looks = Looks(folder, server.keys, uri=f"{base}/in/a*.csv")
    first = looks.read()
    assert first.rows == 30
    assert isinstance(looks.look(first), LookResult)
    assert fails(folder, server.keys, f"{base}/nowhere.csv").reason == "SourceNotFound"


def test_files_in_google_cloud_storage_are_read(tmp_path: Path, address: str) -> None:
    with gcs(tmp_path / "server", address) as server:
        reads(tmp_path, server, "gs://lake", "gs://lake/in/")
        assert fails(tmp_path, server.keys, "gs://nowhere/t.csv").reason == "SourceNotFound"
        broken = {**server.keys, "service_account.json": "{}"}
        assert fails(tmp_path, broken, "gs://lake/in/a.csv").reason == "SourceDenied"


def test_files_in_azure_blob_storage_are_read(tmp_path: Path, address: str) -> None:
    with azurite(tmp_path / "server", address) as server:
        reads(tmp_path, server, "abfs://lake", "abfs://lake/in")
        wrong = fails(tmp_path, {**server.keys, "account_key": "d3Jvbmcta2V5"}, "abfs://lake/in/a.csv")
        assert wrong.reason == "SourceDenied", wrong.message
        assert KEY not in wrong.message


@pytest.mark.parametrize(
    ("uri", "keys", "reason"),
    [
        ("abfs://c@account.dfs.core.windows.net/t.csv", {}, "SourceDenied"),
        ("abfs://c/t.csv", {"account_key": "a2V5"}, "KeyMissing"),
        ("abfs://c@account.dfs.core.windows.net/t.csv", {"tenant_id": "t", "client_id": "c"}, "KeyMissing"),
        ("abfs://c@a.b/t.csv", {"account_key": "a2V5", "endpoint": "http://127.0.0.1:1"}, "AddressRefused"),
        ("gs://lake/t.csv", {"endpoint": "http://[::1]:1"}, "AddressRefused"),
        ("gs://lake/t.csv", {"password": "x"}, "KeyMissing"),
    ],
)
def test_incomplete_secrets_are_told(tmp_path: Path, uri: str, keys: dict[str, str], reason: str) -> None:
    error = fails(tmp_path, keys, uri)
    assert error.reason == reason, error.message
