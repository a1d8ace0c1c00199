"""Checks what runs in the pod of a Workspace."""
