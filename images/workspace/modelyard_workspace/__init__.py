"""What runs in the pod of a Workspace: JupyterLab for several people, and what keeps their edits."""
