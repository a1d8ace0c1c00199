"""One file per kind: spec, status, and the facts that the CRD needs."""
