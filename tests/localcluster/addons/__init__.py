"""What a cluster gets on top, only where it is asked for: a gateway, and the metrics of pods."""
