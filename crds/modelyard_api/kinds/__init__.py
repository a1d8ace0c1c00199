"""One file a kind: spec, status, and what the cluster needs to know of it."""
