"""What may be added to a cluster: how each addon is built, applied, and known to work."""
