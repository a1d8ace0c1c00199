"""Runs the operator: ``python -m modelyard.main``, or ``kopf run -m modelyard.main --all-namespaces``.

Environment: POD_NAMESPACE [modelyard-system] is the namespace of its installation and its Lease; POD_NAME and POD_UID
name the Lease's holder; PORT [8080] is for probes and metrics; KUBECONFIG is used outside a pod. LEASE_SECONDS,
RESYNC_SECONDS and SILENCE_SECONDS are for tests that can't wait (``engine.process.Times``).
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
    """The installation's ConfigMap is invalid. The message names the field and the reason."""


async def read_installation(client_configuration: Any, namespace: str) -> Installation:
    """Reads the installation; without a ConfigMap all fields are defaults. Raises BadInstallation or ApiError."""
    client = ApiClient(client_configuration)
    try:
        config_map = await client.get(CONFIG_MAPS, namespace, NAME)
    finally:
        await client.close()
    return parse_installation((config_map or {}).get("data") or {}, f"ConfigMap {namespace}/{NAME}")


def parse_installation(data: dict[str, str], source: str) -> Installation:
    """Parses a ConfigMap's data; ``source`` names the ConfigMap in messages. Raises BadInstallation."""
    try:
        document = yaml.safe_load(data.get(KEY, "")) or {}
    except yaml.YAMLError as error:
        raise BadInstallation(f"{source}, key {KEY}: not YAML: {error}") from error
    try:
        return Installation.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'document'}: {item['msg']}, not {item['input']!r}"
            for item in error.errors()
        )
        raise BadInstallation(f"{source}, key {KEY}: {problems}") from error


async def prepare() -> Process:
    """Returns the operator of this installation, not started yet. Raises BadInstallation or ApiError."""
    namespace = os.environ.get("POD_NAMESPACE", "modelyard-system")
    identity = f"{os.environ.get('POD_NAME') or socket.gethostname()}_{os.environ.get('POD_UID') or os.getpid()}"
    client_configuration = await configuration()
    installation = await read_installation(client_configuration, namespace)
    settings = Settings(
        namespace=namespace,
        identity=identity,
        tracking_url=installation.tracking_url,
        namespaces=tuple(installation.namespaces),
        port=int(os.environ.get("PORT", "8080")),
        times=times(),
    )
    return Process(settings, client_configuration, all_controllers(installation))


def times() -> Times:
    """Returns the default times, with those that the environment overrides."""
    names = {field.name: f"{field.name.upper()}_SECONDS" for field in dataclasses.fields(Times)}
    return Times(**{name: float(os.environ[key]) for name, key in names.items() if key in os.environ})


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
