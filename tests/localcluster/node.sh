#!/usr/bin/env bash
# node.sh STATE N: process 1 of node N (0: the control plane), in pid, mount and cgroup namespaces of its own and in the
# cluster's network. Ending this one process ends every daemon, shim and pod of the node, and every mount goes with them.
set -euo pipefail
set -a; . "$1/node.env"; set +a
n=$2 dir=$STATE/$2 node=$NAME-$2 pki=$STATE/pki
rm -rf "$dir/pids"; mkdir -p "$dir"/{log,pids}

start() { # name command...
  local name=$1; shift
  "$@" >>"$dir/log/$name.log" 2>&1 &
  echo $! >"$dir/pids/$name"
}
until_done() { # seconds command...
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do ((SECONDS < end)) || { echo "gave up on: $*"; exit 1; }; sleep 0.3; done
}
last() { # ends the node when one of its daemons has ended, and says which
  local code=0 dead
  wait -n -p dead || code=$?
  echo "$(date -Is) $(basename "$(grep -lx "$dead" "$dir"/pids/*)") ended with exit code $code; see its log"; exit 1
}

control_plane() { # also starts the one kube-proxy that the shared network needs
  # Without nodelay every request takes 40 ms longer.
  start relay-inside socat UNIX-LISTEN:"$STATE/api.sock",fork,unlink-early TCP:127.0.0.1:$API_PORT,nodelay
  start relay nsenter --net="/proc/self/fd/$OUTSIDE" socat \
    TCP-LISTEN:$API_PORT,bind=127.0.0.1,reuseaddr,fork,nodelay UNIX-CONNECT:"$STATE/api.sock"
  exec {OUTSIDE}<&-
  # etcd needs no fsync: a killed process loses no writes; only a crash of the whole machine can lose the last ones.
  start etcd etcd --data-dir "$dir/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
  start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port="$API_PORT" \
    --advertise-address="$CONTROL_PLANE_IP" --service-cluster-ip-range="$SERVICE_CIDR" --allow-privileged=true \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/apiserver-to-kubelet.crt" --kubelet-client-key="$pki/apiserver-to-kubelet.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/service-accounts.key" --service-account-signing-key-file="$pki/service-accounts.key" \
    --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
    --enable-aggregator-routing=true \
    --default-not-ready-toleration-seconds="$TOLERATION" --default-unreachable-toleration-seconds="$TOLERATION"
  until_done 90 kubectl --kubeconfig "$pki/admin.kubeconfig" get --raw /readyz
  if [ -z "$WORKERS" ]; then   # the folders of played volumes lie in memory, and go with the node
    mkdir -p /tmp/hostpath_pv
    mount -t tmpfs volumes /tmp/hostpath_pv
  fi
  start kube-controller-manager kube-controller-manager --kubeconfig="$pki/controllers.kubeconfig" --leader-elect=false \
    --use-service-account-credentials --service-account-private-key-file="$pki/service-accounts.key" \
    --root-ca-file="$pki/ca.crt" --allocate-node-cidrs --cluster-cidr="$POD_CIDR" \
    --node-monitor-grace-period="${GRACE}s" --node-monitor-period=1s $CONTROLLER_FLAGS
  start kube-scheduler kube-scheduler --kubeconfig="$pki/scheduler.kubeconfig" --leader-elect=false
  if [ -z "$WORKERS" ]; then
    ip route replace unreachable "$POD_CIDR"   # requests to KWOK's simulated pods fail at once
    start kwok kwok --kubeconfig="$pki/admin.kubeconfig" --config="$STATE/stages.yaml" --manage-all-nodes \
      --node-lease-duration-seconds=40 --cidr="$POD_CIDR" --node-ip="$CONTROL_PLANE_IP"
    return
  fi
  until_done 90 kubectl --kubeconfig "$pki/admin.kubeconfig" get node "$NAME-1"
  start kube-proxy kube-proxy --kubeconfig="$pki/proxy.kubeconfig" --hostname-override="$NAME-1" --proxy-mode=iptables \
    --cluster-cidr="$POD_CIDR" --conntrack-max-per-core=0 --oom-score-adj=0
}

own_cgroups() { # mounts the cgroup namespace, which shows only what lies below the node's own group
  mount -t tmpfs cgroup /sys/fs/cgroup
  if [ "$CGROUP_VERSION" = 2 ]; then   # this branch is not tried yet: the machines at hand have version 1
    mount -t cgroup2 cgroup /sys/fs/cgroup
    # A group with processes of its own can't pass controllers on.
    mkdir -p /sys/fs/cgroup/daemons
    while read -r pid; do echo "$pid" >/sys/fs/cgroup/daemons/cgroup.procs || true; done </sys/fs/cgroup/cgroup.procs
    sed 's/\(\w\+\)/+\1/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
    return
  fi
  local controllers folder
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    folder=/sys/fs/cgroup/${controllers#name=}
    mkdir "$folder"
    case $controllers in
      name=*) mount -t cgroup -o "none,$controllers" cgroup "$folder" ;;
      *) mount -t cgroup -o "$controllers" cgroup "$folder" ;;
    esac
    for controller in ${controllers//,/ }; do   # programs look for "cpu,cpuacct" as cpu and as cpuacct
      [ -e "/sys/fs/cgroup/${controller#name=}" ] || ln -s "$folder" "/sys/fs/cgroup/$controller"
    done
  done </proc/self/cgroup
}

worker() {
  own_cgroups
  # Empty what a reboot empties; the kubelet's folder, the logs, the images and the volumes stay.
  rm -rf "$dir"/{run,shims,cni} "$dir"/containerd.sock*
  ip link del "cni$n" 2>/dev/null || true
  # Mount our own folders, in this namespace only, over fixed paths of the kubelet, the shims and the CNI plugins.
  mkdir -p "$dir"/{kubelet,cni/net.d,cni/results,shims,volumes}
  mount --bind "$dir/kubelet" /var/lib/kubelet
  mount --bind "$dir/cni/results" /var/lib/cni
  mount --bind "$dir/shims" /run/containerd
  mount --bind "$dir/log" /var/log
  mount --bind "$dir/volumes" "$VOLUMES_IN_NODE"

  start containerd containerd --config "$dir/containerd.toml"
  local kind cidr="" ctr=(ctr -a "$dir/containerd.sock" -n k8s.io)
  until_done 60 "${ctr[@]}" version
  for kind in containers sandboxes; do   # remove the records of an earlier run of the node
    "${ctr[@]}" $kind ls 2>/dev/null | awk 'NR > 1 { print $1 }' |
      while read -r id; do "${ctr[@]}" $kind rm "$id" >/dev/null 2>&1 || true; done
  done
  local labels="modelyard.dev/node=$n"
  [ "$n" != 1 ] || labels+=",$VOLUMES_LABEL=true"
  until_done 120 kubectl --kubeconfig "$pki/kubelet-$n.kubeconfig" get --raw /readyz
  start kubelet kubelet --config="$dir/kubelet.yaml" --kubeconfig="$pki/kubelet-$n.kubeconfig" \
    --hostname-override="$node" --node-ip="10.99.0.$n" --node-labels="$labels"
  # Configure the pod network last: the controller-manager has to assign the node its addresses first.
  pod_cidr() {
    cidr=$(kubectl --kubeconfig "$pki/kubelet-$n.kubeconfig" get node "$node" -o 'jsonpath={.spec.podCIDR}') && [ -n "$cidr" ]
  }
  until_done 90 pod_cidr
  cat >"$dir/cni/net.d/10-pods.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni$n", "isGateway": true, "hairpinMode": true, "ipam": {
    "type": "host-local", "dataDir": "$dir/cni/ipam",
    "ranges": [[{"subnet": "$cidr"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

echo "$(date -Is) node $n starts"
if [ "$n" = 0 ]; then control_plane; else worker; fi
last
