# What kind builds its node image on: Debian, kind's own files, and programs built from Go modules. The order and the
# removed units follow images/base/Dockerfile of kind's module, which fetches its programs from elsewhere.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends systemd conntrack iptables nftables iproute2 \
    ethtool util-linux mount kmod libseccomp2 pigz bash ca-certificates curl jq procps runc containernetworking-plugins \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/* \
 && find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete \
 && rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
    /lib/systemd/system/local-fs.target.wants/* /lib/systemd/system/sockets.target.wants/*udev* \
    /lib/systemd/system/sockets.target.wants/*initctl* /lib/systemd/system/basic.target.wants/* \
 && echo ReadKMsg=no >> /etc/systemd/journald.conf \
 && ln -sf /usr/lib/systemd/systemd /sbin/init \
 && mkdir -p /etc/kubernetes/manifests /opt/cni/bin \
 && ln -s /usr/lib/cni/host-local /usr/lib/cni/loopback /usr/lib/cni/ptp /usr/lib/cni/portmap /opt/cni/bin
COPY files/ /
COPY containerd containerd-shim-runc-v2 ctr crictl /usr/local/bin/
COPY hyperkube /opt/hyperkube/
RUN true \
 && for program in kubeadm kubelet kubectl; do ln -s hyperkube /opt/hyperkube/$program; done \
 && systemctl enable kubelet.service containerd.service undo-mount-hacks.service && systemctl mask systemd-binfmt.service \
 && ctr oci spec \
  | jq '.hooks.createContainer[.hooks.createContainer | length] |= . + {"path": "/kind/bin/mount-product-files.sh"}' \
  | jq 'del(.process.rlimits)' > /etc/containerd/cri-base.json
ENV container=docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
