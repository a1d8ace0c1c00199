"""Checks that credentials are taken out of texts, in any form, and that all else stays."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from modelyard_api.installation import Installation
from modelyard_api.wire.redact import redacted, secrets_in
from tests.support.credentials import Leak, leaks

KEPT = (
    "fatal: unable to access 'https://git.example.com:8443/acme/x.git/': Could not resolve host: git.example.com",
    "remote: Repository not found.",
    "no such image ghcr.io/acme/app:1.2@sha256:0123456789abcdef: not found",
    "app:1.2@sha256:0123",
    "http://127.0.0.1:5000",
    "there is no token: there is no Secret 'tokens'",
    "spec.git.secretRef: Required value",
    'Secret "git" not found, and basic authentication is off',
    "ERROR: Could not find a version that satisfies the requirement acme==1.0 (from versions: none)",
    "exceeded quota: pods, requested: cpu=100m, used: cpu=1, limited: cpu=1",
    "tests/test_train.py::test_answer: assert 41 == 42",
    "KeyError: 'species'",
    "kim@example.com wrote to mlflow-artifacts:/modelyard/team/a",
)


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redacted(text) == text


@given(leaks())
def test_no_credential_stays(leak: Leak) -> None:
    """Nor in a text that is quoted as in source code, as a traceback does."""
    leak.told(redacted(leak.text), redacted(repr(leak.text)))


@given(leaks())
def test_once_is_enough(leak: Leak) -> None:
    assert redacted(redacted(leak.text)) == redacted(leak.text)


@pytest.mark.parametrize("piece", ["a", "a.", "a:", "://", "token ", "x@", "\n", "'", "key-", "password='\\", "a b"])
def test_a_long_text_takes_no_minutes(piece: str) -> None:
    """Whoever runs a registry or a git server may answer with anything."""
    redacted(piece * (100_000 // len(piece)))


@given(st.text())
def test_any_text_can_be_asked_for(text: str) -> None:
    redacted(text)


@given(st.text(min_size=4, max_size=40).filter(str.strip), st.text(max_size=40), st.text(max_size=40))
def test_a_known_secret_goes_in_every_form(secret: str, before: str, after: str) -> None:
    """Even one like no other: servers may quote a password in a sentence."""
    coded = base64.b64encode(secret.encode()).decode()
    for form in (secret, quote(secret), quote(secret, safe=""), coded):
        assert form not in redacted(f"{before} {form} {after}", secret) or form in "***"


def test_the_secrets_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("kim\n")
    (tmp_path / "password").write_text("pass word\n")
    assert set(secrets_in(tmp_path)) == {"pass word", "kim:pass word"}
    assert secrets_in(tmp_path / "absent") == ()


def test_a_user_without_a_password_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("kim\n")
    (tmp_path / "password").write_text("")
    assert not any(secrets_in(tmp_path))


@pytest.mark.parametrize("known", ["admin:", "ghost\nadmin:", "in: admin:"])
@pytest.mark.parametrize("text", ["in: admin:Zq9word9qZ@example.com", "https://admin:Zq9word9qZ@example.com/x"])
def test_a_known_secret_hides_no_other_from_the_rules(known: str, text: str) -> None:
    assert "Zq9" not in redacted(text, known)


@pytest.mark.parametrize("field", ["trackingURL", "packageIndexURL"])
@pytest.mark.parametrize("url", ["https://kim:word@example.com", "https://example.com?token=word"])
def test_an_installation_holds_no_credentials(field: str, url: str) -> None:
    """Every pod is told them in its task, which whoever may read Jobs can read."""
    assert Installation.model_validate({field: "https://example.com"})
    with pytest.raises(ValidationError, match="should match pattern"):
        Installation.model_validate({field: url})
