"""Checks tables in an object store, by a real one with keys: what is read, and what a wrong address or key says."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelyard_api.wire.result import LookResult
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.tables.sources import relay
from tests.common.ports import free_port
from tests.support.bucket_server import READER_SECRET, Buckets
from tests.unit.runtime.sources.looks import CSV, Looks


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> str:
    """Returns a folder of the bucket for this test alone."""
    return f"lake/{request.node.name.replace('[', '-').replace(']', '')}"


def looks(tmp_path: Path, lake: Buckets, uri: str, keys: Mapping[str, str] | None = None) -> Looks:
    return Looks(tmp_path, lake.keys if keys is None else keys, uri=f"s3://{uri}")


def test_a_file_a_folder_and_a_glob_are_read(tmp_path: Path, lake: Buckets, folder: str) -> None:
    lake.put(f"{folder}/a.csv", CSV)
    lake.put(f"{folder}/b.csv", CSV.replace("\n1,", "\n100,"))
    lake.put(f"{folder}/notes.txt", "not a table")
    lake.put(f"{folder}/deep/c.csv", "another,table\n1,2\n")
    rows = {"a.csv": 30, "": 60, "/": 60, "*.csv": 60, "[b-z].csv": 30}
    for path, count in rows.items():
        result = looks(tmp_path, lake, f"{folder}/{path}".removesuffix("/") if not path else f"{folder}/{path}").read()
        assert (path, result.rows, result.accepted) == (path, count, True)
        told = {doubt.reason: doubt.count for doubt in result.doubts}
        assert told.get("FilesLeftOut") == (2 if path in ("", "/") else None)


def test_unchanged_files_are_listed_and_not_fetched(
    tmp_path: Path, lake: Buckets, folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, connect = [], relay._connect
    monkeypatch.setattr(relay, "_connect", lambda host, port: [asked.append(host), connect(host, port)][1])
    for index in range(8):
        lake.put(f"{folder}/{index}.csv", CSV.replace("\n1,", f"\n{1000 + index},"))
    many = looks(tmp_path, lake, f"{folder}/?.csv")
    seen = many.read()
    asked.clear()
    assert isinstance(many.look(seen), LookResult)
    assert len(asked) < 8, "no file is asked for"
    lake.put(f"{folder}/a.csv", CSV)
    watch = looks(tmp_path, lake, f"{folder}/[a-z].csv")
    first = watch.read()
    assert first.listing is not None
    assert (first.listing.files, first.listing.bytes) == (1, len(CSV))
    capsys.readouterr()
    second = watch.look(first)
    assert isinstance(second, LookResult)
    assert second.reason == "Unchanged"
    assert "fetched" not in capsys.readouterr().out
    lake.put(f"{folder}/b.csv", CSV.replace("\n1,", "\n100,"))
    third = watch.read(first)
    assert third.rows == 60
    assert "fetched b.csv" in capsys.readouterr().out


def test_an_upload_in_parts_is_seen_when_it_is_whole(tmp_path: Path, lake: Buckets, folder: str) -> None:
    lake.put(f"{folder}/a.csv", CSV)
    upload = lake.upload(f"{folder}/b.csv")
    upload.write(CSV.encode() * 3)
    watch = looks(tmp_path, lake, folder)
    assert watch.read().rows == 30
    upload.close()
    assert watch.read().rows == 30 + 30 + 60


@pytest.mark.parametrize(
    ("path", "keys", "reason", "says"),
    [
        ("locked/t.csv", {}, "SourceDenied", ["s3://locked/t.csv", "let them list and read it"]),
        ("locked/", {}, "SourceDenied", ["s3://locked/"]),
        ("lake/t.csv", {"secret_access_key": "wrong-one"}, "SourceDenied", ["access_key_id and secret_access_key"]),
        ("lake/", {"secret_access_key": "wrong-one"}, "SourceDenied", ["SIGNATURE_DOES_NOT_MATCH"]),
        (
            "lake/t.csv",
            {"access_key_id": None, "secret_access_key": None},
            "SourceDenied",
            ["access_key_id and secret_access_key"],
        ),
        ("lake/t.csv", {"secret_access_key": None}, "KeyMissing", ["'secret_access_key'", "endpoint"]),
        ("lake/nowhere.csv", {}, "SourceNotFound", ["s3://lake/nowhere.csv"]),
        ("lake/nowhere/*.csv", {}, "SourceNotFound", ["s3://lake/nowhere/*.csv"]),
        ("lake/t.csv", {"endpoint": "http://127.0.0.1:1"}, "AddressRefused", ["127.0.0.1"]),
        ("lake/t.csv", {"endpoint": "http://169.254.169.254"}, "AddressRefused", ["169.254.169.254"]),
        ("lake/t.csv", {"endpoint": "ftp://x"}, "KeyInvalid", ["endpoint"]),
    ],
)
def test_what_can_not_be_read_says_why(
    tmp_path: Path, lake: Buckets, path: str, keys: Mapping[str, str | None], reason: str, says: list[str]
) -> None:
    lake.put("locked/t.csv", CSV)
    lake.put("lake/t.csv", CSV)
    given = {key: value for key, value in {**lake.keys, **keys}.items() if value is not None}
    with pytest.raises(UserError) as caught:
        looks(tmp_path, lake, path, given).look()
    assert caught.value.reason == reason, caught.value.message
    assert all(word in caught.value.message for word in says), caught.value.message
    assert READER_SECRET not in caught.value.message


@pytest.mark.parametrize("where", ["http://{address}:{port}", "http://nowhere.invalid:80", "https://{lake}"])
def test_a_server_that_is_not_there_is_asked_again(tmp_path: Path, lake: Buckets, address: str, where: str) -> None:
    endpoint = where.format(address=address, port=free_port(), lake=lake.endpoint.removeprefix("http://"))
    with pytest.raises(Retriable) as caught:
        looks(tmp_path, lake, "lake/t.csv", {**lake.keys, "endpoint": endpoint}).look()
    assert caught.value.reason == "SourceUnreachable"


def test_a_redirect_to_the_loopback_is_refused(tmp_path: Path, lake: Buckets, address: str) -> None:
    """The S3 client follows redirects by itself."""
    reached = []

    class Inner(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            reached.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_HEAD

        def log_message(self, *_: object) -> None:
            pass

    class Outer(Inner):
        def do_HEAD(self) -> None:
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{inner.server_address[1]}/latest/meta-data")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD

    inner, outer = ThreadingHTTPServer(("127.0.0.1", 0), Inner), ThreadingHTTPServer((address, 0), Outer)
    for server in (inner, outer):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        endpoint = f"http://{address}:{outer.server_address[1]}"
        with pytest.raises(UserError) as caught:
            looks(tmp_path, lake, "lake/t.csv", {**lake.keys, "endpoint": endpoint}).look()
        assert caught.value.reason == "AddressRefused"
        assert reached == []
    finally:
        for server in (inner, outer):
            server.shutdown()
            server.server_close()


def test_more_than_the_pods_disk_takes_is_refused(tmp_path: Path, lake: Buckets) -> None:
    lake.put("lake/t.csv", CSV)
    with pytest.raises(UserError, match=r"limits\.ephemeral-storage") as caught:
        looks(tmp_path, lake, "lake/t.csv").look(most_bytes=100)
    assert caught.value.reason == "SourceTooLarge"
