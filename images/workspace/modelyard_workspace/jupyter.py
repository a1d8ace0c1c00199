"""How JupyterLab is started."""

from __future__ import annotations

import sys

from modelyard_workspace.places import Places


def command(places: Places, port: int, probe: str) -> list[str]:
    """Returns the command; ``probe`` is the hash of the token by which the entrypoint asks the server."""
    settings = {
        "ServerApp.ip": "*",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        # Whoever gets here may have another name for the Service: kubectl port-forward, a gateway.
        "ServerApp.allow_remote_access": True,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": places.home,
        "ServerApp.identity_provider_class": "modelyard_workspace.people.FolderIdentityProvider",
        "IdentityProvider.token": "",
        "IdentityProvider.updatable_fields": [],
        "FolderIdentityProvider.folder": places.people,
        "FolderIdentityProvider.probe": probe,
        "SQLiteYStore.db_path": places.updates,
        "BaseFileIdManager.db_path": places.file_ids,
        "YDocExtension.session_store_path": places.sessions,
        "LabApp.extension_manager": "readonly",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        # Every question of the readiness probe is a line of level INFO.
        "Application.log_level": "WARN",
    }
    return [sys.executable, "-m", "modelyard_workspace.lab", *(f"--{name}={value}" for name, value in settings.items())]
