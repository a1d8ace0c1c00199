"""The operator: ``python -m modelyard.main``, or ``kopf run -m modelyard.main --all-namespaces``.

Environment: POD_NAMESPACE [modelyard-system], where its installation and its Lease lie; POD_NAME and POD_UID, which
name the Lease's holder; PORT [8080] of probes and metrics; KUBECONFIG when it doesn't run in a pod. For tests that
can't wait: LEASE_SECONDS, RESYNC_SECONDS and SILENCE_SECONDS (``engine.process.Times``).
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import socket
import sys
from typing import Any

import yaml
from pydantic import ValidationError

from modelyard.engine import lifecycle, logs
from modelyard.engine.client import ApiClient, configuration
from modelyard.engine.process import Process, Settings, Times
from modelyard.engine.resource import CONFIG_MAPS
from modelyard.kinds import all_controllers
from modelyard_api.installation import Installation

NAME, KEY = "modelyard", "installation.yaml"

log = logging.getLogger("modelyard")


class BadInstallation(Exception):
    """The installation's ConfigMap can't be used; the message says which field and why."""


async def read_installation(found: Any, namespace: str) -> Installation:
    """The installation, all defaults where there is no ConfigMap. Raises BadInstallation or ApiError."""
    client = ApiClient(found)
    try:
        config_map = await client.get(CONFIG_MAPS, namespace, NAME)
    finally:
        await client.close()
    return parse_installation((config_map or {}).get("data") or {}, f"ConfigMap {namespace}/{NAME}")


def parse_installation(data: dict[str, str], where: str) -> Installation:
    try:
        document = yaml.safe_load(data.get(KEY, "")) or {}
    except yaml.YAMLError as error:
        raise BadInstallation(f"{where}, key {KEY}: not YAML: {error}") from error
    try:
        return Installation.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'document'}: {one['msg']}, not {one['input']!r}"
            for one in error.errors()
        )
        raise BadInstallation(f"{where}, key {KEY}: {wrong}") from error


async def prepare() -> Process:
    """The operator of this installation, not started. Raises BadInstallation or ApiError."""
    namespace = os.environ.get("POD_NAMESPACE", "modelyard-system")
    identity = f"{os.environ.get('POD_NAME') or socket.gethostname()}_{os.environ.get('POD_UID') or os.getpid()}"
    found = await configuration()
    installation = await read_installation(found, namespace)
    settings = Settings(
        namespace=namespace,
        identity=identity,
        tracking_url=installation.tracking_url,
        namespaces=tuple(installation.namespaces),
        port=int(os.environ.get("PORT", "8080")),
        times=times(),
    )
    return Process(settings, found, all_controllers(installation))


def times() -> Times:
    """The defaults, or what the environment says."""
    names = {field.name: f"{field.name.upper()}_SECONDS" for field in dataclasses.fields(Times)}
    return Times(**{name: float(os.environ[text]) for name, text in names.items() if text in os.environ})


async def run() -> None:
    await lifecycle.run(await prepare())


def main() -> None:
    logs.configure()
    try:
        asyncio.run(run())
    except BadInstallation as error:
        log.critical("%s", error)
        sys.exit(2)
    except (asyncio.CancelledError, KeyboardInterrupt):
        log.info("stopped before the start was complete")
    except BaseException:
        log.critical("the operator ended", exc_info=True)
        raise


lifecycle.Life(prepare).register()  # for `kopf run`

if __name__ == "__main__":
    main()
