"""Checks the small parts: cgroups, archives of images, buildah's options, kubeconfigs and free ports."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.localcluster import cgroups, network, oci
from tests.localcluster.api import cluster_and_user
from tests.localcluster.buildah import Buildah


def test_own_groups_are_below_the_callers(tmp_path: Path) -> None:
    for folder in ("cpu,cpuacct", "memory", "systemd"):
        (tmp_path / folder).mkdir()
    text = "3:cpu,cpuacct:/a/b\n2:memory:/\n1:name=systemd:/s\n9:hugetlb:/not-mounted\n0::/unified\n"
    parents = [str(path.relative_to(tmp_path)) for path in cgroups.parents(text, tmp_path)]
    assert parents == ["cpu,cpuacct/a/b", "memory", "systemd/s"]
    assert cgroups.version(tmp_path) == 1
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.version(tmp_path) == 2


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path))
    (tmp_path / "program").write_text("bytes of a program")
    (tmp_path / "oci").mkdir()
    oci.put_program("localhost/a:1", tmp_path / "program", "/a")
    oci.put_program("localhost/b:1", tmp_path / "program", "/a", ("-v",))
    return tmp_path


def archive(present: set[str]) -> set[str]:
    out = io.BytesIO()
    oci.write_archive(out, ["localhost/a:1", "localhost/b:1"], present)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        return set(tar.getnames())


def test_an_archive_holds_each_blob_once_and_no_layer_that_is_there(layout: Path) -> None:
    whole = archive(set())
    blobs = {f"blobs/sha256/{path.name}" for path in (layout / "oci/blobs/sha256").iterdir()}
    assert whole == blobs | {"oci-layout", "index.json"}
    assert len(blobs) == 5, "two manifests, two configs, one shared layer"
    manifest = json.loads((layout / "oci/blobs/sha256" / oci.images()["localhost/a:1"][7:]).read_text())
    layer = manifest["layers"][0]["digest"]
    assert whole - archive({layer}) == {f"blobs/sha256/{layer[7:]}"}
    assert archive({manifest["config"]["digest"], layer}) == archive({layer}), "the importer reads the small ones"


def test_pruning_keeps_what_is_used(layout: Path) -> None:
    before = oci.images()
    (layout / "program").write_text("other bytes")
    oci.put_program("localhost/b:1", layout / "program", "/a")
    assert oci.images()["localhost/a:1"] == before["localhost/a:1"]
    assert oci.images()["localhost/b:1"] != before["localhost/b:1"]
    oci.prune()
    assert len(list((layout / "oci/blobs/sha256").iterdir())) == 6
    archive(set())


def test_buildah_builds_without_network_pulls_and_with_the_hosts_trust() -> None:
    has = {"/etc/resolv.conf", "/etc/pip.conf"}
    argv = Buildah().build_command("server", "localhost/base:1", lambda path: path in has)
    text = " ".join(argv)
    assert "bud --layers --isolation chroot --network host --pull-never" in text
    assert text.count(" -v ") == 2
    assert "-v /etc/pip.conf:/etc/pip.conf:ro" in text
    assert "--build-arg BASE_IMAGE=localhost/base:1" in text
    assert "-t localhost/modelyard/server:dev" in text


def test_a_free_port_is_one_that_nobody_has() -> None:
    port = network.free_port(set())
    assert network.can_listen(port)
    assert network.free_port({port}) != port


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_a_kubeconfig_that_kubectl_has_rewritten_is_read(dump: Callable[[object], str], tmp_path: Path) -> None:
    config = {"clusters": [{"cluster": {"server": "https://a"}, "name": "c"}], "users": [{"user": {"token": "t"}}]}
    path = tmp_path / "kubeconfig"
    path.write_text(dump(config))
    assert cluster_and_user(path) == ({"server": "https://a"}, {"token": "t"})
