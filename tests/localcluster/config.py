"""The addresses of the embedded cluster and the files that its daemons read."""

import os
import shlex
from pathlib import Path

from .paths import VOLUMES_IN_NODE

NODES = (1, 2)
CONTROL_PLANE = 0
# All clusters use the same addresses, because each has a network of its own.
CONTROL_PLANE_IP = "10.99.0.100"
POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
DNS_SERVICE_IP = "10.96.0.10"
PAUSE_IMAGE = "localhost/modelyard/pause:1"
COREDNS_IMAGE = "localhost/modelyard/coredns:1.14.6"
REGISTRIES = "certs.d"
# Seconds from a node's last heartbeat until it is NotReady (Kubernetes' default: 50), and seconds that its pods then
# stay bound to it (Kubernetes' default: 300). They are short, so that tests of a lost node take seconds.
GRACE = 8
TOLERATION = 2
# Simulated nodes don't fail, but their heartbeats may be late on a busy machine.
PLAYED_GRACE = 120
# Volumes of the kind `local` that exist on node 1 from the start.
VOLUMES = ("tracking", "data")
VOLUMES_LABEL = "modelyard.dev/local-volumes"


def node_name(cluster: str, n: int) -> str:
    """Returns the name of node n's Node object."""
    return f"{cluster}-{n}"


def node_ip(n: int) -> str:
    """Returns the address of node n on the bridge."""
    return f"10.99.0.{n}"


def containerd_toml(root: Path, state: Path, socket: Path, cni: Path | None) -> str:
    """Returns containerd's configuration; without `cni` one that only keeps images."""
    disabled = ["io.containerd.internal.v1.opt"]  # this plugin would write to /opt
    if cni is None:
        disabled += [f"io.containerd.{plugin}" for plugin in ("grpc.v1.cri", "cri.v1.images", "cri.v1.runtime")]
    text = f"""version = 3
root = "{root}"
state = "{state}"
disabled_plugins = [{", ".join(f'"{plugin}"' for plugin in disabled)}]
[grpc]
  address = "{socket}"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
"""
    if cni is None:
        return text
    # Without restrict_oom_score_adj every sandbox dies on machines where the score can't be lowered.
    return f"""{text}[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{root.parent / REGISTRIES}"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "{cni}"
"""


def hosts_toml(address: str) -> str:
    """Returns what tells containerd to pull from this address, by http."""
    return f'server = "http://{address}"\n'


def kubelet_yaml(folder: Path, n: int) -> str:
    """Returns the kubelet's configuration on node n of the cluster in `folder`."""
    pki = folder / "pki"
    # The lease is renewed every quarter of its duration: a node counts as lost only after four lost heartbeats.
    return f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: {node_ip(n)}
healthzBindAddress: {node_ip(n)}
authentication: {{anonymous: {{enabled: false}}, webhook: {{enabled: true}}, x509: {{clientCAFile: {pki}/ca.crt}}}}
authorization: {{mode: Webhook}}
tlsCertFile: {pki}/kubelet-serving-{n}.crt
tlsPrivateKeyFile: {pki}/kubelet-serving-{n}.key
containerRuntimeEndpoint: unix://{folder}/{n}/containerd.sock
clusterDomain: cluster.local
clusterDNS: [{DNS_SERVICE_IP}]
resolvConf: {folder}/resolv.conf
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: [pods]
oomScoreAdj: 0
imageGCHighThresholdPercent: 100
evictionHard: {{memory.available: 200Mi, nodefs.available: 2%, imagefs.available: 2%}}
volumePluginDir: /var/lib/kubelet/plugins
nodeLeaseDurationSeconds: {GRACE // 2}
"""


# With Kubernetes' default limit of 20 requests per second only four Jobs per second could finish. The provisioner makes
# the volumes of claims, as folders that nobody uses.
_PLAYED = "--kube-api-qps=1000 --kube-api-burst=1000 --concurrent-job-syncs=20 --enable-hostpath-provisioner"


def write(folder: Path, name: str, port: int, programs: str, workers: tuple[int, ...]) -> None:
    """Writes all configuration files of the cluster in `folder`, and `node.env` with what node.sh needs."""
    (folder / "resolv.conf").write_text("")  # pods ask the cluster's DNS only
    for n in workers:
        node = folder / str(n)
        node.mkdir(parents=True, exist_ok=True)
        toml = containerd_toml(node / "containerd", node / "run", node / "containerd.sock", node / "cni/net.d")
        (node / "containerd.toml").write_text(toml)
        (node / "kubelet.yaml").write_text(kubelet_yaml(folder, n))
    for volume in VOLUMES if workers else ():
        path = folder / "1/volumes" / volume
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)  # any user of a pod may write, with or without fsGroup
    values = {
        "NAME": name,
        "STATE": str(folder),
        "PATH": f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin",
        "API_PORT": str(port),
        "CONTROL_PLANE_IP": CONTROL_PLANE_IP,
        "POD_CIDR": POD_CIDR,
        "SERVICE_CIDR": SERVICE_CIDR,
        "WORKERS": " ".join(map(str, workers)),
        "CONTROLLER_FLAGS": "" if workers else _PLAYED,
        "GRACE": str(GRACE if workers else PLAYED_GRACE),
        "TOLERATION": str(TOLERATION),
        "VOLUMES_IN_NODE": VOLUMES_IN_NODE,
        "VOLUMES_LABEL": VOLUMES_LABEL,
    }
    (folder / "node.env").write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items()))
