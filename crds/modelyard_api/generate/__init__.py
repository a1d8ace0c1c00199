"""Generates files from the kinds: the CRDs, the RBAC manifests and the reference."""
