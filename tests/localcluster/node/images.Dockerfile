# The images that kubeadm and kind's manifests ask for, built from Go modules: `docker build --target`.
ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS debian
# iptables' modules are linked to libraries that the program is not: all files of all packages are taken.
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends iptables busybox-static \
 && mkdir -p /out/usr/bin /out/usr/sbin /out/usr/lib /out/usr/lib64 /out/tmp /out/run /out/var \
 && dpkg -L busybox-static iptables libc6 libip4tc2 libip6tc2 libmnl0 libnetfilter-conntrack3 libnfnetlink0 libnftnl11 libxtables12 \
  | grep -v /usr/share | sort -u | tar -c --no-recursion -T - | tar -x -C /out \
 && for name in iptables ip6tables; do for end in "" -save -restore; do \
    ln -sf xtables-nft-multi /out/usr/sbin/$name$end; done; done \
 && for name in sh ls cat cp mv rm mkdir chmod chown sleep grep ip nslookup ps env df test; do ln -sf busybox /out/usr/bin/$name; done \
 && mkdir -p /out/usr/local/bin && for name in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kindnetd kubectl; do \
    ln -s hyperkube /out/usr/local/bin/$name; done

FROM scratch AS pause
COPY --from=debian /out/usr/bin /bin
ENTRYPOINT ["/bin/sleep", "2147483647"]

FROM pause AS storage
COPY local-path-provisioner /usr/local/bin/
ENTRYPOINT ["local-path-provisioner"]

FROM scratch AS coredns
COPY coredns /
ENTRYPOINT ["/coredns"]

FROM scratch AS kubernetes
COPY --from=debian /out /
COPY hyperkube /usr/local/bin/
ENV PATH=/usr/local/bin:/usr/sbin:/sbin:/usr/bin:/bin
ENTRYPOINT ["kindnetd"]
