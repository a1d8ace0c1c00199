"""The API of Modelyard, group ``modelyard.dev``: one pydantic model a kind, the only source of the CRDs' YAML.

Also what crosses between the operator and its pods: the task that goes in, the result that comes out, and the
addresses in the artifact store. Nothing here does I/O.
"""

GROUP = "modelyard.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
