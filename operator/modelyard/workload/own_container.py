"""Builds the pod of a container of the user's own, with our helpers before and after it."""

from __future__ import annotations

from typing import Any

from modelyard.workload import template
from modelyard.workload.run.jobs import MAIN
from modelyard_api.fields.pods import PodTemplate
from modelyard_api.fields.trainer import Container
from modelyard_api.installation import Installation
from modelyard_api.wire.task import COLLECT_READY

LAY_OUT = "lay-out"
"""Name of the init container that runs before the user's own container."""
OWN_GRACE_SECONDS = 120
"""Seconds that a stopped pod with a container of the user's own may take to end."""


def pod(
    container: Container, pod_template: PodTemplate, installation: Installation, lay_out: str, collect: str
) -> dict[str, Any]:
    """Returns the pod with the user's container, an init container and a native sidecar.

    The init container lays out the inputs, by the command ``lay_out`` of our runtime. The sidecar is stopped once the
    user's container has ended, and then checks and uploads what that has written, by the command ``collect``. These two
    have the pod's identity; the user's container has not.
    """
    default, ours = installation.resources.run, installation.images.runtime
    folders = [template.TASK_MOUNT, template.IN_MOUNT, template.OUT_MOUNT]
    plain = pod_template.model_copy(update={"env": [], "resources": None})
    before = template.container(LAY_OUT, ours, plain, default, folders, asks_store=True, args=[lay_out])
    probe = {"exec": {"command": ["test", "-e", COLLECT_READY]}, "periodSeconds": 1, "failureThreshold": 60}
    after = template.container(
        "collect",
        ours,
        plain,
        default,
        folders,
        asks_store=True,
        args=[collect],
        restartPolicy="Always",
        startupProbe=probe,
    )
    command: dict[str, Any] = {"command": container.command} if container.command else {}
    if container.args:
        command["args"] = container.args
    main = template.container(MAIN, container.image, pod_template, default, folders[1:], **command)
    return template.pod(
        pod_template,
        [template.task_volume(), template.empty("in"), template.empty("out")],
        initContainers=[before, after],
        containers=[main],
        terminationGracePeriodSeconds=OWN_GRACE_SECONDS,
    )
