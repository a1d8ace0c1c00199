"""Checks the addons as far as that is possible without a cluster."""

import dataclasses
import json
import tarfile
from pathlib import Path

import pytest

from tests.localcluster import images, oci
from tests.localcluster.addons import gateway, metrics_server
from tests.localcluster.digests import dockerfile, dockerfiles


def test_a_chart_is_rendered_anew_when_anything_of_it_changes() -> None:
    chart = gateway.chart()
    keys = {chart.key()}
    for change in ({"version": "v2"}, {"values": {}}, {"placeholders": {}}, {"namespace": "x"}, {"crds": ()}):
        keys.add(dataclasses.replace(chart, **change).key())
    assert len(keys) == 6
    assert gateway.chart().key() == chart.key()


def test_program_and_chart_are_of_one_version() -> None:
    for chart, addon in (
        (gateway.chart(), gateway.addon()),
        (
            metrics_server.chart(kubelets_have_certificates=True),
            metrics_server.addon(kubelets_have_certificates=True),
        ),
    ):
        assert addon.program.arguments[-1].startswith(chart.module)
        assert addon.program.arguments[-1].endswith(f"@{chart.version}")
        (image,) = addon.images.values()
        assert image.endswith(f":{chart.version.removeprefix('v')}")


@pytest.mark.parametrize(
    ("certificates", "flag"), [(True, "--kubelet-certificate-authority="), (False, "--kubelet-insecure-tls")]
)
def test_kubelets_are_trusted_only_where_nothing_else_can_be_done(certificates: bool, flag: str) -> None:
    arguments = metrics_server.chart(kubelets_have_certificates=certificates).values["defaultArgs"]
    assert next(item for item in arguments if "tls" in item or "authority" in item).startswith(flag)


def test_an_addons_image_is_none_of_the_projects() -> None:
    assert "envoy" not in dockerfiles()
    assert dockerfile("envoy").exists()
    assert " ".join(images.docker_build("envoy")) == (
        "docker build --build-arg BASE_IMAGE=python:3.11-slim -f tests/localcluster/addons/envoy/Dockerfile"
        " -t localhost/modelyard/envoy:dev ."
    )


def test_a_program_that_is_not_root_has_a_place_for_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path))
    (tmp_path / "program").write_text("bytes of a program")
    oci.put_program("localhost/a:1", tmp_path / "program", "/a", user="65532:65532")
    manifest = json.loads(oci.blob(oci.images()["localhost/a:1"]).read_text())
    assert json.loads(oci.blob(manifest["config"]["digest"]).read_text())["config"]["User"] == "65532:65532"
    with tarfile.open(oci.blob(manifest["layers"][0]["digest"])) as tar:
        assert {member.name: oct(member.mode) for member in tar} == {"a": "0o755", "tmp": "0o1777"}
