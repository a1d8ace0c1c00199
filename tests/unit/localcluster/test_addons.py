"""Checks the addons as far as that is possible without a cluster."""

import re

import yaml

from tests.localcluster.addons import add, gateway
from tests.localcluster.images import dockerfile, dockerfiles, reference
from tests.localcluster.paths import HERE

MANIFESTS = sorted((HERE / "addons/manifests").glob("*.yaml"))


def test_an_addons_image_is_none_of_the_projects() -> None:
    for name in add.NAMES:
        assert not {reference(image) for image in dockerfiles()} & set(add.references(name)), name
    assert dockerfile("envoy").exists()


def test_manifests_name_only_images_that_are_built() -> None:
    built = {reference for name in add.NAMES for reference in add.references(name)}
    named = {name for path in MANIFESTS for name in re.findall(r"localhost/modelyard/[a-z-]+:dev", path.read_text())}
    assert named
    assert named <= built


def test_the_gateway_class_is_the_controllers() -> None:
    assert gateway.gateway_class()["spec"]["controllerName"] == gateway.CONTROLLER
    assert gateway.gateway_class()["metadata"]["name"] == gateway.CLASS
    values = yaml.safe_load((HERE / "addons/manifests/gateway-values.yaml").read_text())
    assert values["config"]["envoyGateway"]["envoyProxy"]["concurrency"] == gateway.WORKERS
