"""The addons that a cluster gets only on request: a gateway, the metrics of pods, KEDA, and a registry."""
