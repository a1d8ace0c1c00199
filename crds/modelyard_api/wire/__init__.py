"""The documents that the operator and its pods exchange."""
