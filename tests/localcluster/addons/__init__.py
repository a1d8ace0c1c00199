"""The addons that a cluster gets only on request: a gateway, the metrics of pods, and KEDA."""
