# Leads requests for names to Docker's resolver, whose ports changed when the engine was started again under a node: kind
# has led its own address there, which pods can reach, at the node's start only.
address=$(awk '/^nameserver/ {print $2}' /etc/resolv.conf)
iptables -t nat -S \
  | sed -n -e "s/^-A DOCKER_OUTPUT -d 127.0.0.11.32/-I DOCKER_OUTPUT -d $address/p" \
    -e "s/^-A \(DOCKER_POSTROUTING .*--to-source \):53/-I \1$address:53/p" \
  | while read -r rule; do iptables -t nat $rule; done
