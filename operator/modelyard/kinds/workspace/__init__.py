"""Workspace: a JupyterLab in which several people work at once."""
