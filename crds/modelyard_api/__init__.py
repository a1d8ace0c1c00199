"""The API of Modelyard, group ``modelyard.dev``: one pydantic model per kind, the only source of the CRDs' YAML.

It also defines what the operator and its pods exchange: the task that a pod gets, the result that it returns, and the
addresses in the artifact store. Nothing in this package does I/O, except the generators.
"""

GROUP = "modelyard.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
