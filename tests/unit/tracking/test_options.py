"""Checks how the tracking image's entry point reads its options."""

from __future__ import annotations

import errno
import fnmatch
from pathlib import Path

import pytest

from modelyard_tracking.__main__ import no_space
from modelyard_tracking.options import allowed_hosts, arguments, database


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("modelyard-tracking", True),
        ("modelyard-tracking:5000", True),
        ("modelyard-tracking.modelyard-system.svc", True),
        ("modelyard-tracking.modelyard-system.svc:5000", True),
        ("modelyard-tracking.modelyard-system.svc.cluster.local:5000", True),
        ("localhost:5000", True),
        ("10.244.1.7:5000", True),
        ("mlflow.example.com", True),
        ("mlflow.example.com:443", True),
        ("modelyard-tracking.other.svc", False),
        ("evil.example.com", False),
        ("172.32.0.1", False),
    ],
)
def test_hosts_that_clients_may_use(host: str, allowed: bool) -> None:
    patterns = allowed_hosts(arguments(["--allowed-host", "mlflow.example.com"])).split(",")
    assert any(fnmatch.fnmatch(host, pattern) for pattern in patterns) is allowed


def test_the_database_is_sqlite_beside_the_artifacts(tmp_path: Path) -> None:
    assert database(arguments(["--data", str(tmp_path)])) == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_database_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://user:secret@host/mlflow\n")
    assert database(arguments(["--database-file", str(file)])) == "postgresql://user:secret@host/mlflow"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), ValueError("no")])
def test_other_errors_than_a_full_volume_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)):
        no_space(None, error)


@pytest.mark.parametrize(("content", "complaint"), [(None, "mount the Secret"), ("secret", "no SQLAlchemy URL")])
def test_a_bad_database_file_is_named_and_not_shown(tmp_path: Path, content: str | None, complaint: str) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SystemExit) as caught:
        database(arguments(["--database-file", str(file)]))
    assert str(file) in str(caught.value)
    assert complaint in str(caught.value)
    assert content is None or content not in str(caught.value).replace("the Secret", "")
