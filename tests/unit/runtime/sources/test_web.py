"""Checks tables behind http and https: what is read, whom we ask, and servers with bad manners."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.wire.result import LookResult
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.tables.sources import fetch, web
from tests.common.ports import free_port
from tests.support.web_server import PASSWORD, TOKEN, USER, Site, site
from tests.unit.runtime.sources.looks import CSV, Looks


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "TRIES", 1)


def fails(looks: Looks, kind: type[UserError | Retriable] = UserError, **more: Any) -> UserError | Retriable:
    with pytest.raises(kind) as caught:
        looks.look(**more)
    return caught.value


@pytest.mark.parametrize("heads", [True, False])
def test_a_file_is_read_by_https_with_a_ca_of_its_own(tmp_path: Path, secure: Site, heads: bool) -> None:
    secure.files["/t.csv"], secure.heads = CSV.encode(), heads
    looks = Looks(tmp_path, {"ca.crt": secure.ca}, uri=f"{secure.url}/t.csv")
    first = looks.read()
    assert first.rows == 30
    secure.asked.clear()
    assert isinstance(looks.look(first), LookResult)
    assert not heads or [method for method, _ in secure.asked] == ["HEAD"]
    secure.files["/t.csv"] = CSV.replace("\n1,", "\n100,").encode()
    assert looks.read(first).digest != first.digest


def test_a_certificate_of_nobody_we_know_is_refused(tmp_path: Path, secure: Site) -> None:
    secure.files["/t.csv"] = CSV.encode()
    error = fails(Looks(tmp_path, uri=f"{secure.url}/t.csv"))
    assert error.reason == "CertificateNotTrusted"
    assert "ca.crt" in error.message
    assert secure.asked == []
    assert fails(Looks(tmp_path, {"ca.crt": "no"}, uri=f"{secure.url}/t.csv")).reason == "KeyInvalid"


def test_a_folders_page_and_a_glob_are_read(tmp_path: Path, web: Site) -> None:
    web.files |= {"/in/a.csv": CSV.encode(), "/in/b.csv": CSV.encode(), "/in/c.txt": b"none"}
    assert Looks(tmp_path, uri=f"{web.url}/in/").read().rows == 60
    assert Looks(tmp_path, uri=f"{web.url}/in/a*.csv").read().rows == 30
    assert fails(Looks(tmp_path, uri=f"{web.url}/in/z*.csv")).reason == "SourceNotFound"


def test_a_format_that_no_extension_tells_is_asked_for(tmp_path: Path, web: Site) -> None:
    web.files["/export"] = CSV.encode()
    assert fails(Looks(tmp_path, uri=f"{web.url}/export?table=t")).reason == "UnknownFormat"
    assert Looks(tmp_path, uri=f"{web.url}/export?table=t", format="CSV").read().rows == 30


@pytest.mark.parametrize("keys", [{"token": TOKEN}, {"username": USER, "password": PASSWORD}])
def test_credentials_open_what_is_locked(tmp_path: Path, secure: Site, keys: dict[str, str]) -> None:
    path = "/token/t.csv" if "token" in keys else "/basic/t.csv"
    secure.files[path] = CSV.encode()
    looks = Looks(tmp_path, {**keys, "ca.crt": secure.ca}, uri=f"{secure.url}{path}")
    assert looks.read().rows == 30
    looks.put_keys({"ca.crt": secure.ca, "token": "another-token"})
    error = fails(looks)
    assert error.reason == "SourceDenied"
    assert "token, or username and password" in error.message
    assert "another-token" not in error.message


def test_credentials_go_to_no_other_server(tmp_path: Path, secure: Site, address: str) -> None:
    with site(address, tmp_path / "other") as other:
        other.files["/t.csv"] = CSV.encode()
        secure.redirect("/t.csv", f"{other.url}/t.csv")
        both = f"{secure.ca}\n{other.ca}"
        assert Looks(tmp_path, {"token": TOKEN, "ca.crt": both}, uri=f"{secure.url}/t.csv").read().rows == 30
        assert set(secure.credentials) == {f"Bearer {TOKEN}"}
        assert set(other.credentials) == {None}


def test_credentials_are_not_sent_in_plain_text(tmp_path: Path, web: Site) -> None:
    assert fails(Looks(tmp_path, {"token": TOKEN}, uri=f"{web.url}/t.csv")).reason == "SourceDenied"
    assert web.asked == []


@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:{port}/t.csv", "http://localhost:{port}/t.csv", "http://[::1]:{port}/"]
)
def test_a_redirect_to_the_loopback_is_refused(tmp_path: Path, web: Site, to: str) -> None:
    with site("127.0.0.1") as inner:
        inner.files["/t.csv"] = CSV.encode()
        target = to.format(port=inner.url.rpartition(":")[2])
        web.redirect("/t.csv", target)
        error = fails(Looks(tmp_path, uri=f"{web.url}/t.csv"))
        assert error.reason == "AddressRefused", error.message
        assert (
            fails(Looks(tmp_path, uri=target if "::1" not in to else "http://[::1]/t.csv")).reason == "AddressRefused"
        )
        assert inner.asked == []


def test_a_redirect_to_plain_http_is_refused(tmp_path: Path, secure: Site, web: Site) -> None:
    web.files["/t.csv"] = CSV.encode()
    secure.redirect("/t.csv", f"{web.url}/t.csv")
    assert fails(Looks(tmp_path, {"ca.crt": secure.ca}, uri=f"{secure.url}/t.csv")).reason == "AddressRefused"


def test_a_redirect_without_an_end_is_told(tmp_path: Path, web: Site) -> None:
    web.redirect("/t.csv", f"{web.url}/t.csv")
    assert "without an end" in fails(Looks(tmp_path, uri=f"{web.url}/t.csv")).message


@pytest.mark.parametrize("code", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again(tmp_path: Path, web: Site, code: int) -> None:
    web.status("/t.csv", code)
    error = fails(Looks(tmp_path, uri=f"{web.url}/t.csv"), Retriable)
    assert (error.reason, str(code) in error.message) == ("SourceUnreachable", True)


@pytest.mark.parametrize("host", ["http://nowhere.invalid", "http://{address}:{port}"])
def test_a_server_that_is_not_there_is_asked_again(tmp_path: Path, address: str, host: str) -> None:
    uri = host.format(address=address, port=free_port()) + "/t.csv"
    assert fails(Looks(tmp_path, uri=uri), Retriable).reason == "SourceUnreachable"


def test_what_is_not_there_is_told(tmp_path: Path, web: Site) -> None:
    error = fails(Looks(tmp_path, uri=f"{web.url}/nowhere.csv"))
    assert error.reason == "SourceNotFound"
    assert f"{web.url}/nowhere.csv" in error.message


def test_a_stream_without_an_end_is_cut_by_its_bytes(tmp_path: Path, web: Site) -> None:
    web.endless("/t.csv")
    error = fails(Looks(tmp_path, uri=f"{web.url}/t.csv"), most_bytes=3_000_000)
    assert error.reason == "SourceTooLarge"


def test_a_stream_without_an_end_is_cut_by_its_time(tmp_path: Path, web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MOST_SECONDS", 1.0)
    web.endless("/t.csv", b"1,2\n", 0.05)
    start = time.monotonic()
    error = fails(Looks(tmp_path, uri=f"{web.url}/t.csv"))
    assert error.reason == "SourceTooSlow"
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("etags", [True, False])
def test_a_file_that_changes_while_it_is_fetched_is_never_half_taken(tmp_path: Path, web: Site, etags: bool) -> None:
    """Half of the first bytes and half of others would be a table that never was."""
    web.etags, count = etags, 0

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal count
        count += handler.command == "GET"
        data = CSV.encode() + f"{count},yes\n".encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.send_header("ETag", f'"{count}"')
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(data)

    web.answers["/t.csv"] = answer
    assert fails(Looks(tmp_path, uri=f"{web.url}/t.csv"), Retriable).reason == "SourceChanging"


def test_a_body_that_ends_early_is_not_taken(tmp_path: Path, web: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CSV)))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(CSV[:50].encode())

    web.answers["/t.csv"] = answer
    assert fails(Looks(tmp_path, uri=f"{web.url}/t.csv"), Retriable).reason == "SourceUnreachable"
