"""The registry beside the nodes, from which they pull what is built here: kind's documented local registry."""

from collections.abc import Iterable

from tests.common.paths import locked

from . import engine, kind

_NAME, _PORT, _CONFIG = "modelyard-registry", 5000, "/etc/docker/registry/config.yml"
ADDRESS = f"{_NAME}:{_PORT}"
"""Where the nodes find it, for what manifests name ``localhost/modelyard/...``."""
_SERVE = f"docker-registry garbage-collect --delete-untagged {_CONFIG}; exec docker-registry serve {_CONFIG}"


def start(image: str) -> None:
    """Starts the registry unless it runs; what was pushed earlier is still there, without what no tag names."""
    with locked("registry"):
        lines = engine.docker("ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()
        if f"{_NAME} running" in lines:
            return
        engine.docker("rm", "--force", _NAME)
        where = ["--network", "kind", "--publish", f"127.0.0.1::{_PORT}", "--volume", f"{_NAME}:/var/lib/registry"]
        engine.docker("run", "--detach", "--name", _NAME, "--user", "0", *where, "--entrypoint=sh", image, "-c", _SERVE)


def push(images: Iterable[str]) -> None:
    """Pushes images of the repository ``localhost/modelyard`` that the registry lacks."""
    host = engine.docker("port", _NAME, f"{_PORT}/tcp").split()[0]
    with locked("push"):  # two commands would share the name that one of them removes
        for image in images:
            pushed = image.replace("localhost/", f"{host}/", 1)
            engine.docker("tag", image, pushed)
            engine.docker("push", "--quiet", pushed)
            engine.docker("image", "rm", "--no-prune", pushed)


def trust(cluster: str, host: str, address: str) -> None:
    """Lets the workers pull images of the registry ``host`` from that address in their network, by http."""
    folder = f"/etc/containerd/certs.d/{host}"
    text = f'server = "http://{address}"\n'
    kind.on_nodes(cluster, "sh", "-c", f"mkdir -p {folder} && printf '%s' '{text}' > {folder}/hosts.toml")
