"""Compares the model server with its peers: speed, latency, memory and start, one core each for server and load."""
