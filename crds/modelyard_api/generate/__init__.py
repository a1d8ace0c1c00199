"""Writes what follows from the kinds: CRDs and the reference."""
