"""The registry beside the nodes, from which they pull what is built here: kind's documented local registry."""

import json
from collections.abc import Iterable

from . import engine, kind
from .paths import HERE, REPO, locked

_NAME, _PORT = "modelyard-registry", 5000
_IMAGE = "localhost/modelyard/docker-registry:dev"
_CONFIG = {
    "version": 0.1,
    "log": {"level": "warn"},
    "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}, "delete": {"enabled": True}},
    "http": {"addr": f":{_PORT}"},
}
_SERVE = f"""cat >/tmp/config.json <<'END'
{json.dumps(_CONFIG)}
END
docker-registry garbage-collect --delete-untagged /tmp/config.json >/dev/null 2>&1
exec docker-registry serve /tmp/config.json"""


def start(base_image: str) -> None:
    """Starts the registry unless it runs; what was pushed earlier is still there, without what no tag names."""
    with locked("registry"):
        states = dict(
            line.split() for line in engine.docker("ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()
        )
        if states.get(_NAME) == "running":
            return
        if _NAME in states:
            engine.docker("rm", "--force", _NAME)
        file = str(HERE / "addons/docker-registry/Dockerfile")
        engine.docker(
            "build", "--quiet", "--build-arg", f"BASE_IMAGE={base_image}", "--file", file, "--tag", _IMAGE, str(REPO)
        )
        where = ["--network", "kind", "--publish", f"127.0.0.1::{_PORT}", "--volume", f"{_NAME}:/var/lib/registry"]
        engine.docker(
            "run", "--detach", "--name", _NAME, "--user", "0", *where, "--entrypoint", "sh", _IMAGE, "-c", _SERVE
        )


def push(base_image: str, images: Iterable[str]) -> None:
    """Pushes images of the repository ``localhost/modelyard`` that the registry lacks."""
    start(base_image)
    host = engine.docker("port", _NAME, f"{_PORT}/tcp").split()[0]
    with locked("push"):
        _push(host, images)


def _push(host: str, images: Iterable[str]) -> None:
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


def serve(cluster: str) -> None:
    """Lets the workers pull from the registry what manifests name ``localhost/modelyard/...``."""
    trust(cluster, "localhost", f"{_NAME}:{_PORT}")
