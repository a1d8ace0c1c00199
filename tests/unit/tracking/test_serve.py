"""Checks how the tracking image's entry point reads its options; MLflow itself runs in the cluster tests."""

from __future__ import annotations

import errno
import fnmatch
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SERVE = Path(__file__).resolve().parents[3] / "images" / "tracking" / "serve.py"


@pytest.fixture(scope="module")
def serve() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tracking_serve", SERVE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.environ", {})  # serve.py sets MLflow's environment variables when it is imported
        spec.loader.exec_module(module)
    return module


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
def test_hosts_that_clients_may_use(serve: ModuleType, host: str, allowed: bool) -> None:
    patterns = serve.allowed_hosts(serve.arguments(["--allowed-host", "mlflow.example.com"])).split(",")
    assert any(fnmatch.fnmatch(host, pattern) for pattern in patterns) is allowed


def test_the_database_is_sqlite_beside_the_artifacts(serve: ModuleType, tmp_path: Path) -> None:
    assert serve.database(serve.arguments(["--data", str(tmp_path)])) == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_database_comes_from_a_file(serve: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://user:secret@host/mlflow\n")
    assert serve.database(serve.arguments(["--database-file", str(file)])) == "postgresql://user:secret@host/mlflow"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), ValueError("no")])
def test_other_errors_than_a_full_volume_stay_what_they_are(serve: ModuleType, error: Exception) -> None:
    with pytest.raises(type(error)):
        serve.no_space(None, error)


@pytest.mark.parametrize(("content", "complaint"), [(None, "mount the Secret"), ("secret", "no SQLAlchemy URL")])
def test_a_bad_database_file_is_named_and_not_shown(
    serve: ModuleType, tmp_path: Path, content: str | None, complaint: str
) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SystemExit) as caught:
        serve.database(serve.arguments(["--database-file", str(file)]))
    assert str(file) in str(caught.value)
    assert complaint in str(caught.value)
    assert content is None or content not in str(caught.value).replace("the Secret", "")
