"""Requests that nobody would write, at the real server: from its OpenAPI document, and broken byte by byte.

``python -m tests.harness.fuzz_server`` runs the long one; a short one is part of ``make test``.
"""
