"""A cluster's own registries of images: one for everybody and one behind a password, both by http."""

from tests.localcluster import access

NAMESPACE = "modelyard-registry"
OPEN, LOCKED = (f"registry.{NAMESPACE}.svc:{port}" for port in (5000, 5001))
"""The registry that anybody may push to and pull from, and the one with a password, as pods and nodes know them."""
USER, PASSWORD = "robot", "open-sesame"


def addresses(cluster: str) -> dict[str, str]:
    """Returns both registries -> their addresses in the cluster's network. Raises CannotRun if there are none."""
    where = ["-n", NAMESPACE, "get", "service", "registry", "--output=jsonpath={.spec.clusterIP}"]
    address = access.kubectl(cluster, *where).strip()
    return {host: f"{address}:{host.rpartition(':')[2]}" for host in (OPEN, LOCKED)}
