# A node for machines that lack the capability SYS_RESOURCE: nothing may lower an oom_score_adj there, and containerd, which
# would, could start no pod.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
RUN mkdir -p /etc/systemd/system/containerd.service.d \
 && printf '[Service]\nOOMScoreAdjust=\n' > /etc/systemd/system/containerd.service.d/oom.conf \
 && sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml
