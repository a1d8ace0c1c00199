"""Servers that speak the protocols of Google Cloud Storage and of Azure Blob Storage: emulators kept by others."""
